local copas = require("copas")
local socket = require("copas.socket")

local server = socket.bind("127.0.0.1", 0)
copas.addserver(server, function(client)
  print(copas.receivepartial(client, 1000)) --> nil  timeout  a few bytes
  copas.removeserver(server)
end)
copas(function()
  local client = copas.wrap(socket.tcp())
  client:connect(server:getsockname())
  client:send("a few bytes")
  client:receive() -- waits for the end
end)
