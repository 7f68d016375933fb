local socket = require("copas.socket")

local server = socket.bind("127.0.0.1", 0)
local client = socket.tcp()
client:connect(server:getsockname())
client:send("a line\n")
local received, sent, age = client:getstats()
print(received, sent, age < 10) --> 0  7  true

client:setstats(0, 0, 0)
print((select(2, client:getstats()))) --> 0
