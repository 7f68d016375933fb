local socket = require("copas.socket")

print(socket.skip(2, "a", "b", "c", "d")) --> c  d
