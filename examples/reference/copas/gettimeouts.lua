local copas = require("copas")

copas(function()
  copas.timeout(1000, print)
  print(copas.gettimeouts()) --> 1
  copas.timeout(0)
  print(copas.gettimeouts()) --> 0
end)
