local copas = require("copas")
local socket = require("copas.socket")

copas.addserver(socket.bind("127.0.0.1", 0), function() end)
copas.addthread(function()
  copas.pause(1000)
  print("not reached")
end)
copas.addthread(function()
  copas.waitforexit()
  print("exit") --> exit
end)
copas.addthread(copas.cancelall)
copas()
print("the loop has ended") --> the loop has ended
