local socket = require("copas.socket")

local server, client = socket.udp(), socket.udp()
server:setsockname("127.0.0.1", 0)
print(client:sendto("ping", server:getsockname())) --> 4
local data, ip, port = server:receivefrom()
print(data, ip) --> ping  127.0.0.1
server:sendto("pong", ip, port)
print(client:receive()) --> pong
