local unix = require("copas.socket.unix")

local path = os.tmpname()
os.remove(path)
local server, client = unix.dgram(), unix.dgram()
print(server:bind(path), server:getsockname() == path) --> 1  true
print(client:sendto("ping", path)) --> 4
print(server:receivefrom(100)) --> ping
os.remove(path)
