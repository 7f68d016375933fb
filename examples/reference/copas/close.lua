local copas = require("copas")
local socket = require("copas.socket")

local server = socket.bind("127.0.0.1", 0)
copas.addserver(server, function(client)
  copas.addthread(function()
    print(copas.receive(client))
  end)
  copas.pause()
  print(copas.close(client))
  copas.removeserver(server)
end)
copas(function()
  local client = socket.tcp()
  copas.connect(client, server:getsockname())
  copas.receive(client) -- waits for the end
end)
--> 1
--> nil  closed
