local socket = require("copas.socket")

local skt = socket.tcp()
print(skt:bind("127.0.0.1", 0)) --> 1
print((skt:getsockname())) --> 127.0.0.1
print(skt.class) --> tcp{master}
