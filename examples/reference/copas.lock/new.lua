local copas = require("copas")

local lock = copas.lock.new(0.01, true) -- threads wait 0.01 s; who has it has to wait too
copas(function()
  print(lock:get()) --> 0
  local waited, err = lock:get()
  print(waited, err) --> nil  timeout
end)
