local socket = require("copas.socket")

local server = socket.bind("127.0.0.1", 0)
local ip, port, family = server:getsockname()
print(ip, port > 0, family) --> 127.0.0.1  true  inet
print(server:getpeername() == nil) --> true

local client = socket.tcp()
client:connect(ip, port)
print(select(2, client:getpeername()) == port) --> true
