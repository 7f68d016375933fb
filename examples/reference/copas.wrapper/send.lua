local copas = require("copas")
local socket = require("copas.socket")

local server = socket.bind("127.0.0.1", 0)
copas.addserver(server, copas.handler(function(client)
  print(client:send("hello\n")) --> 6  nil  nil
  copas.removeserver(server)
end))
copas(function()
  local client = copas.wrap(socket.tcp())
  client:connect(server:getsockname())
  print((client:receive())) --> hello
end)
