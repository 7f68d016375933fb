local socket = require("copas.socket")

local first, second = socket.udp4(), socket.udp()
second:setfd(first:getfd()) -- takes the descriptor over,
first:setfd(-1) -- so the first owner has to let go of it
print(first:getfd(), second:getfd() >= 0) --> -1  true
print(second:dirty()) --> false
print(second:close()) --> 1
print(second:receive()) --> nil  closed
