local socket = require("copas.socket")

local server = socket.bind("127.0.0.1", 0)
local client = socket.tcp()
client:connect(server:getsockname())
client:send("the end")
print(client:shutdown("send")) --> 1

local skt = server:accept()
print((skt:receive("*a"))) --> the end
skt:send("an answer\n")
print((client:receive())) --> an answer
