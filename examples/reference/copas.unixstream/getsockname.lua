local unix = require("copas.socket.unix")

local path = os.tmpname()
os.remove(path)
local server = unix()
server:bind(path)
print(server:getsockname() == path) --> true
os.remove(path)
