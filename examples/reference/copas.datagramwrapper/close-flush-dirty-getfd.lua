local copas = require("copas")
local socket = require("copas.socket")

local raw = socket.udp4()
local client = copas.wrap(raw)
print(client:getfd() == raw:getfd(), client:dirty()) --> true  false
client:flush() -- does nothing
client:close() -- does nothing either: others may use the socket
print(raw:getfd() >= 0) --> true
raw:close()
