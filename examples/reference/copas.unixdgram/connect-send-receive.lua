local unix = require("copas.socket.unix")

local path = os.tmpname()
os.remove(path)
local server, client = unix.dgram(), unix.dgram()
server:bind(path)
print(client:connect(path), client.class) --> 1  unixdgram{connected}
print(client:send("a datagram")) --> 10
print(server:receive()) --> a datagram
os.remove(path)
