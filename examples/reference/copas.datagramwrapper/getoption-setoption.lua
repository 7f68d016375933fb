local copas = require("copas")
local socket = require("copas.socket")

local client = copas.wrap(socket.udp4())
client:setoption("broadcast", true)
print((client:getoption("broadcast"))) --> true
