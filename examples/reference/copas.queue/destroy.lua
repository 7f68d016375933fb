local copas = require("copas")

local items = copas.queue.new()
copas.addthread(function()
  local item, err = items:pop()
  print(item, err)
end)
copas.addthread(function() print(items:destroy()) end)
copas()
--> true
--> nil  destroyed
