local copas = require("copas")

copas.addthread(function()
  print(copas.running) --> true
end)
copas.loop()
print(copas.running) --> false

copas(function() -- calling the module is calling copas.loop
  print(copas.getthreadname()) --> copas_initializer
end)
