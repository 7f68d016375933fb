local socket = require("copas.socket")

print(socket.tcp4():getfamily()) --> inet4
