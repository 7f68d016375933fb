local copas = require("copas")
local socket = require("copas.socket")

local server = socket.bind("127.0.0.1", 0)
copas.addserver(server, function(client)
  print(copas.send(client, "all of it\n")) --> 10  nil  nil
  print(copas.send(client, "from the third byte\n", 3)) --> 20  nil  nil
  copas.removeserver(server)
end)
copas(function()
  local client = copas.wrap(socket.tcp())
  client:connect(server:getsockname())
  client:receive()
  print((client:receive())) --> om the third byte
end)
