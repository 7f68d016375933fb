local copas = require("copas")

local function add(a, b)
  copas.pause(0.01)
  return a + b, copas.getthreadname()
end

copas(function()
  local first = copas.future.addthread(add, 1, 2)
  local second = copas.future.addnamedthread("adder", add, 3, 4)
  print((select(2, first:get()))) --> 3
  print(second:get()) --> true  7  adder
end)
