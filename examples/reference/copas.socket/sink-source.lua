local socket = require("copas.socket")

local server = socket.bind("127.0.0.1", 0)
local client = socket.tcp()
client:connect(server:getsockname())

local sink = socket.sink("close-when-done", client)
sink("some text")
sink(nil) -- which closes the socket

local source = socket.source("until-closed", server:accept())
print(source()) --> some text
print(source()) --> nil
