local socket = require("copas.socket")

local server = socket.bind("127.0.0.1", 0)
local client = socket.tcp()
print(client:connect(server:getsockname())) --> 1
print(client.class) --> tcp{client}
print(client:connect(server:getsockname())) --> nil  already connected
