local socket = require("copas.socket")

local server, client = socket.udp(), socket.udp()
server:setsockname("127.0.0.1", 0)
print(client:setpeername(server:getsockname())) --> 1
print(client.class, (client:getpeername())) --> udp{connected}  127.0.0.1
print(client:send("a datagram")) --> 10
print(server:receive()) --> a datagram

client:send("another one")
print(server:receive(7)) --> another
