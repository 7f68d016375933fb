local socket = require("copas.socket")

local server = socket.bind("127.0.0.1", 0)
local readable, _, err = socket.select({ server }, nil, 0.01)
print(#readable, err) --> 0  timeout

local client = socket.tcp()
client:connect(server:getsockname())
readable = socket.select({ server })
print(readable[1] == server, readable[server]) --> true  1
