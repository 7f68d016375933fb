local copas = require("copas")

local ready = copas.semaphore.new(10)
copas.addthread(function()
  print("taken", ready:take(2))
end)
copas.addthread(function()
  print("given", ready:give())
  copas.pause()
  print("given", ready:give())
  print(ready:take(1, 0))
  print(ready:take(11, 0))
end)
copas()
--> given  true
--> given  true
--> nil  timeout
--> nil  too many
--> taken  true
