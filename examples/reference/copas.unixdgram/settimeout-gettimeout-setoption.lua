local unix = require("copas.socket.unix")

local path = os.tmpname()
os.remove(path)
local server = unix.dgram()
server:bind(path)
server:settimeout(0.01)
print(server:gettimeout()) --> 0.01  -1
print(server:receive()) --> nil  timeout
print(server:setoption("reuseaddr", true)) --> 1
os.remove(path)
