local copas = require("copas")

local semaphore = copas.semaphore.new(1)
copas.addthread(function()
  print(semaphore:take())
end)
copas(function()
  print(semaphore:destroy()) --> true
end)
--> nil  destroyed
print(semaphore:give()) --> nil  destroyed
