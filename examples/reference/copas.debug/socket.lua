local copas = require("copas")
local socket = require("copas.socket")

local skt = copas.debug.socket(socket.tcp())
skt:getfd()
--> 1-calling 'getfd' with;
--> 1-results 'getfd' returned;
-->   1: -1
