local copas = require("copas")

local items = copas.queue.new()
items:push("last")
print(items:stop()) --> true
print(items:push("late")) --> nil  stopping
print(items:pop()) --> last
print(items:push("later")) --> nil  destroyed
