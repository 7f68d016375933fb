local socket = require("copas.socket")

print(socket.__unload()) --> 1
