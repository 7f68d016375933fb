local copas = require("copas")

local semaphore = copas.semaphore.new(10, 1)
copas.addthread(function() semaphore:take(3) end)
copas(function()
  print(semaphore:get_count()) --> 1
  print(semaphore:get_wait()) --> 2
  semaphore:give(2)
end)
