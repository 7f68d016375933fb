local copas = require("copas")

local timer = copas.timer.new {
  delay = 0.01,
  callback = function() print("expired") end,
}
print(timer:arm()) --> nil  already armed
copas() --> expired
print(timer:arm(0.02) == timer) --> true
copas() --> expired
