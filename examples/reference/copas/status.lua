local copas = require("copas")

copas.addthread(copas.pause, 0.01)
copas.addthread(copas.pauseforever)
copas(function()
  copas.status(true)
  local counts = copas.status()
  print(counts.timer, counts.inactive) --> 1  1

  copas.pause(0.02)
  print(copas.status().steps >= 1) --> true
  copas.status(false)
end)
