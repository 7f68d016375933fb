local copas = require("copas")

local lock = copas.lock.new()
copas.addthread(function() lock:get() end)
copas.addthread(function()
  copas.pause(0.01)
  local waited, err = lock:get()
  print(waited, err)
end)
lock:get(0)
copas.addthread(function()
  copas.pause(0.02)
  print(lock:destroy())
end)
copas()
--> true
--> nil  destroyed
