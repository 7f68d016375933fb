local socket = require("copas.socket")

print(socket.gettime() > 1.7e9) --> true
