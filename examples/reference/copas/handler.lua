local copas = require("copas")
local socket = require("copas.socket")

local server = socket.bind("127.0.0.1", 0)
copas.addserver(server, copas.handler(function(client)
  client:send("you are wrapped\n")
  copas.removeserver(server)
end))
copas(function()
  local client = copas.wrap(socket.tcp())
  client:connect(server:getsockname())
  print((client:receive())) --> you are wrapped
end)
