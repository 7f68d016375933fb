local socket = require("copas.socket")

local client = socket.udp4()
print(client:getoption("broadcast")) --> false
print(client:setoption("broadcast", true)) --> 1
print(client:getoption("broadcast")) --> true
