local socket = require("copas.socket")

local server = socket.bind("127.0.0.1", 0)
print(server:gettimeout()) --> -1  -1
server:settimeout(0.5)
server:settimeout(0.01, "t")
print(server:gettimeout()) --> 0.5  0.01
print(server:accept()) --> nil  timeout
