local socket = require("copas.socket")

print(type(socket.dns.gethostname())) --> string
