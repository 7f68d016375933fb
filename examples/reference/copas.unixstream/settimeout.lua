local unix = require("copas.socket.unix")

local path = os.tmpname()
os.remove(path)
local server = unix()
server:bind(path)
server:listen()
server:settimeout(0.01)
print(server:accept()) --> nil  timeout
os.remove(path)
