local copas = require("copas")
local socket = require("copas.socket")

local server = socket.bind("127.0.0.1", 0)
copas.addserver(server, copas.handler(function(client)
  client:receive()
  print(client:dirty()) --> true
  client:receive()
  print(client:dirty()) --> false
  copas.removeserver(server)
end))
copas(function()
  local client = copas.wrap(socket.tcp())
  client:connect(server:getsockname())
  client:send("two\nlines\n")
end)
