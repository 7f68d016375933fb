local copas = require("copas")

copas(function()
  local elapsed = copas.pause(0.01)
  print(elapsed >= 0.01) --> true

  copas.pause() -- only lets the others run
end)
