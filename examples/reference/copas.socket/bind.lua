local socket = require("copas.socket")

local server = assert(socket.bind("127.0.0.1", 0))
local ip, port = server:getsockname()
print(ip) --> 127.0.0.1
print(server.class) --> tcp{server}

print(socket.bind("127.0.0.1", port)) --> nil  address already in use
