local copas = require("copas")
local socket = require("copas.socket")

local server, client = copas.wrap(socket.udp()), copas.wrap(socket.udp())
print(server:setsockname("127.0.0.1", 0)) --> 1
copas.addthread(function()
  local data, ip, port = server:receivefrom()
  print(data) --> ping
  server:sendto("pong", ip, port)
end)
copas(function()
  client:sendto("ping", server:getsockname())
  print((client:receive())) --> pong
end)
