local socket = require("copas.socket")

local greet = socket.choose {
  formal = function(name) return "Good morning, " .. name end,
  default = function(name) return "Hi " .. tostring(name) end,
}
print(greet("formal", "Ann")) --> Good morning, Ann
print(greet(nil)) --> Hi nil
print((pcall(greet, "rude", "Ann"))) --> false
