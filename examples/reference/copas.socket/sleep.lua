local socket = require("copas.socket")

local start = socket.gettime()
socket.sleep(0.01)
print(socket.gettime() - start >= 0.01) --> true
