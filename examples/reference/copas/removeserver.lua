local copas = require("copas")
local socket = require("copas.socket")

local server = socket.bind("127.0.0.1", 0)
copas.addserver(server, function() end)
print(copas.removeserver(server, true)) --> true
print(server:getfd() ~= -1) --> true

copas.addserver(server, function() end)
print(copas.removeserver(server)) --> 1
print(server:getfd()) --> -1
copas() -- has nothing to do
