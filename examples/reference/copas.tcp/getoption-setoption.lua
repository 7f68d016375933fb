local socket = require("copas.socket")

local skt = socket.tcp4()
print(skt:setoption("tcp-nodelay", true)) --> 1
print(skt:getoption("tcp-nodelay")) --> true
print(skt:setoption("linger", { on = true, timeout = 5 })) --> 1
print(skt:getoption("linger").timeout) --> 5
