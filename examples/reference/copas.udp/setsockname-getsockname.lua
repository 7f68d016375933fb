local socket = require("copas.socket")

local server = socket.udp()
print(server:setsockname("127.0.0.1", 0)) --> 1
local ip, port, family = server:getsockname()
print(ip, tonumber(port) > 0, family) --> 127.0.0.1  true  inet
