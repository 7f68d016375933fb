local copas = require("copas")
local socket = require("copas.socket")

local server, client = socket.udp(), socket.udp()
server:setsockname("127.0.0.1", 0)
copas.addthread(function()
  local data, ip, port = copas.receivefrom(server)
  print(data, ip) --> ping  127.0.0.1
  copas.sendto(server, "pong", ip, port)
end)
copas(function()
  local ip, port = server:getsockname()
  copas.sendto(client, "ping", ip, port)
  print((copas.receivefrom(client, 100))) --> pong
end)
