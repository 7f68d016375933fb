local copas = require("copas")
local future = copas.future

copas(function()
  local answer = future.addthread(function()
    copas.pause(0.01)
    return 42
  end)
  print(answer:try() == future.PENDING) --> true
  answer:get()
  print(answer:try()) --> true  42
end)
