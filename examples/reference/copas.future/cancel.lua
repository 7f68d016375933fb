local copas = require("copas")

copas(function()
  local endless = copas.future.addthread(copas.pauseforever)
  print(endless:cancel()) --> true
  print(endless:get()) --> false  cancelled
  print(endless:cancel()) --> false
end)
