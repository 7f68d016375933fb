local copas = require("copas")
local socket = require("copas.socket")

local server = copas.wrap(socket.tcp())
print(server:bind("127.0.0.1", 0)) --> 1
print(server:listen()) --> 1
print(server:accept()) --> nil  timeout
