local copas = require("copas")
local socket = require("copas.socket")

local server = socket.bind("127.0.0.1", 0)
copas.addserver(server, copas.handler(function(client)
  client:send(client:receive("*a") .. " received")
  copas.removeserver(server)
end))
copas(function()
  local client = copas.wrap(socket.tcp())
  client:connect(server:getsockname())
  client:send("all of it")
  print(client:shutdown("send")) --> 1
  print((client:receive("*a"))) --> all of it received
end)
