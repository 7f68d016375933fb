local copas = require("copas")

copas.addthread(copas.pause, 0.01)
local waiting = copas.addthread(copas.pauseforever) -- kept, or it would be garbage
copas(function()
  copas.status(true)
  local counts = copas.status()
  print(counts.timer, counts.inactive) --> 1  1

  copas.pause(0.02)
  print(copas.status().steps >= 1) --> true
  copas.status(false)
  copas.wakeup(waiting)
end)
