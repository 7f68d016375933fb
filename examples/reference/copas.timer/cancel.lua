local copas = require("copas")

local timer = copas.timer.new {
  delay = 1000,
  callback = function() print("not reached") end,
}
print(timer:cancel() == timer) --> true
print(timer:cancel()) --> nil  not armed
copas() -- has nothing to do
