local socket = require("copas.socket")

local server = socket.bind("127.0.0.1", 0)
local other = socket.tcp()
other:setfd(server:getfd()) -- takes the descriptor over,
server:setfd(-1) -- so the first owner has to let go of it
print(server:getfd(), other:getfd() >= 0) --> -1  true
