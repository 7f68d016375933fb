local socket = require("copas.socket")

local addresses = assert(socket.dns.getaddrinfo("127.0.0.1"))
print(#addresses, addresses[1].family, addresses[1].addr) --> 1  inet  127.0.0.1
