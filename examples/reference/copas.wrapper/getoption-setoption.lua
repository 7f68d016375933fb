local copas = require("copas")
local socket = require("copas.socket")

local skt = copas.wrap(socket.tcp4())
print(skt:setoption("keepalive", true)) --> 1  nil
print(skt:getoption("keepalive")) --> true  nil
