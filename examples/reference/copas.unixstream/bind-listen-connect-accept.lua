local unix = require("copas.socket.unix")

local path = os.tmpname()
os.remove(path)
local server, client = unix(), unix()
print(server:bind(path), server:listen()) --> 1  1
print(client:connect(path)) --> 1
print(server:accept().class) --> unixstream{client}
os.remove(path)
