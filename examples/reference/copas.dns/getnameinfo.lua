local socket = require("copas.socket")

local names, service = socket.dns.getnameinfo("127.0.0.1", "80")
print(#names >= 1, type(service)) --> true  string
