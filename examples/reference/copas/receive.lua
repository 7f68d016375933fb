local copas = require("copas")
local socket = require("copas.socket")

local server = socket.bind("127.0.0.1", 0)
copas.addserver(server, function(client)
  print(copas.receive(client)) --> a line  nil  nil
  print(copas.receive(client, 7)) --> 7 bytes  nil  nil
  print(copas.receive(client, "*a", "prefix, ")) --> prefix, the rest  nil  nil
  print(copas.receive(client)) --> nil  closed
  copas.removeserver(server)
end)
copas(function()
  local client = copas.wrap(socket.tcp())
  client:connect(server:getsockname())
  client:send("a line\r\n7 bytesthe rest")
  client:close()
end)
