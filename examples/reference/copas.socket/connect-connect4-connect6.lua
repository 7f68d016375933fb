local socket = require("copas.socket")

local server = socket.bind("127.0.0.1", 0)
local _, port = server:getsockname()
local client = assert(socket.connect("localhost", port))
print((client:getpeername())) --> 127.0.0.1

local from = socket.connect4("localhost", port, "127.0.0.1", 0) -- from this address
print((from:getsockname())) --> 127.0.0.1

print(socket.connect6("127.0.0.1", port) == nil) --> true
