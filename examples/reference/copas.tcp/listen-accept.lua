local socket = require("copas.socket")

local server = socket.tcp()
server:bind("127.0.0.1", 0)
print(server:listen(10)) --> 1

server:settimeout(0.01)
print(server:accept()) --> nil  timeout

local client = socket.tcp()
client:connect(server:getsockname())
print(server:accept().class) --> tcp{client}
