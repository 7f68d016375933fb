local copas = require("copas")

local items = copas.queue.new()
copas.addthread(function()
  items:push("one")
  items:push("two")
  print(items:get_size()) --> 2
end)
copas(function()
  print(items:pop()) --> one
  print(items:pop()) --> two
  local item, err = items:pop(0.01)
  print(item, err) --> nil  timeout
end)
