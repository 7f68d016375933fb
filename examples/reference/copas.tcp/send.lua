local socket = require("copas.socket")

local server = socket.bind("127.0.0.1", 0)
local client = socket.tcp()
client:connect(server:getsockname())
print(client:send("hello\n")) --> 6  nil  nil
print(client:send("hello\n", 3, 4)) --> 4  nil  nil
client:close()

print((server:accept():receive("*a")))
--> hello
--> ll
