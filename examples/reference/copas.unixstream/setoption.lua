local unix = require("copas.socket.unix")

print(unix():setoption("reuseaddr", true)) --> 1
