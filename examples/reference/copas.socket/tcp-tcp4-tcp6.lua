local socket = require("copas.socket")

print(socket.tcp():getfd()) --> -1
print(socket.tcp4():getfamily()) --> inet4
local six, err = socket.tcp6() -- fails on a system without IPv6
print(six and six:getfamily() == "inet6" or type(err) == "string") --> true
