local socket = require("copas.socket")

local server = socket.udp()
server:setsockname("127.0.0.1", 0)
server:settimeout(0.01)
print(server:gettimeout()) --> 0.01  -1
print(server:receive()) --> nil  timeout
