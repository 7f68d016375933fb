local copas = require("copas")
local socket = require("copas.socket")

local server, client = copas.wrap(socket.udp()), copas.wrap(socket.udp())
server:setsockname("127.0.0.1", 0)
copas.addthread(function()
  print((server:receive()))
  print((server:receivepartial()))
end)
copas(function()
  print(client:setpeername(server:getsockname())) --> 1
  print((client:getpeername())) --> 127.0.0.1
  print(client:send("one")) --> 3
  client:send("two")
end)
--> one
--> two
