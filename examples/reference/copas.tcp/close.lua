local socket = require("copas.socket")

local server = socket.bind("127.0.0.1", 0)
print(server:close()) --> 1
print(server:close()) --> 1
print(server:getfd()) --> -1
