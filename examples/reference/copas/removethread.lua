local copas = require("copas")

local sleeper = copas.addthread(function()
  copas.pause(1000)
  print("not reached")
end)
copas(function()
  copas.removethread(sleeper)
end)
print("ended") --> ended
