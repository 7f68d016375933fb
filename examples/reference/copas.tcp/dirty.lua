local socket = require("copas.socket")

local server = socket.bind("127.0.0.1", 0)
local client = socket.tcp()
client:connect(server:getsockname())
client:send("two\nlines\n")

local skt = server:accept()
skt:receive()
print(skt:dirty()) --> true
skt:receive()
print(skt:dirty()) --> false
