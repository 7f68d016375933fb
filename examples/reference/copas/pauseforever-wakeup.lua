local copas = require("copas")

local sleeper = copas.addthread(function()
  copas.pauseforever()
  print("awake")
end)
copas(function()
  print(copas.wakeup(sleeper))
  print(copas.wakeup(sleeper))
end)
--> true
--> nil  not sleeping
--> awake
