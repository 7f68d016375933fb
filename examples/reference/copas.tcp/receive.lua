local socket = require("copas.socket")

local server = socket.bind("127.0.0.1", 0)
local client = socket.tcp()
client:connect(server:getsockname())
client:send("a line\r\n7 bytesthe rest")
client:close()

local skt = server:accept()
print(skt:receive()) --> a line  nil  nil
print(skt:receive(7)) --> 7 bytes  nil  nil
print(skt:receive("*a", "prefix, ")) --> prefix, the rest  nil  nil
print(skt:receive()) --> nil  closed
