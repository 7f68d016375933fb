local copas = require("copas")

local sleeper = copas.addthread(function()
  copas.sleep(-1) -- write copas.pauseforever()
  print("awake")
end)
copas(function()
  copas.sleep(0.01) -- write copas.pause(0.01)
  copas.wakeup(sleeper)
end)
--> awake
