local copas = require("copas")

print(copas.finished()) --> true
copas.addthread(function() end)
print(copas.finished()) --> false
copas.loop()
print(copas.finished()) --> true
