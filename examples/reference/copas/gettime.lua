local copas = require("copas")

copas(function()
  local start = copas.gettime()
  copas.pause(0.01)
  print(copas.gettime() - start >= 0.01) --> true
end)
