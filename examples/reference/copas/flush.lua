local copas = require("copas")
local socket = require("copas.socket")

local skt = copas.wrap(socket.tcp())
print(select("#", copas.flush(skt))) --> 0
