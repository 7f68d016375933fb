local copas = require("copas")
local socket = require("copas.socket")

local skt = copas.wrap(socket.tcp())
print(skt:getfd()) --> -1
skt:bind("127.0.0.1", 0)
print(skt:getfd() >= 0) --> true
