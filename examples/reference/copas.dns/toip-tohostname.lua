local socket = require("copas.socket")

local ip, host = socket.dns.toip("127.0.0.1")
print(ip, host.ip[1]) --> 127.0.0.1  127.0.0.1
print((socket.dns.tohostname("127.0.0.1"))) --> localhost
