local socket = require("copas.socket")

print(socket.udp4():getfamily(), socket.udp6():getfamily()) --> inet4  inet6
