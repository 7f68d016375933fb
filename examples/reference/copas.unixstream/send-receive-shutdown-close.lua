local unix = require("copas.socket.unix")

local path = os.tmpname()
os.remove(path)
local server, client = unix(), unix()
server:bind(path)
server:listen()
client:connect(path)
local served = server:accept()
print((client:send("one\ntwo"))) --> 7
client:shutdown("send")
print((served:receive())) --> one
print((served:receive("*a"))) --> two
print(served:close()) --> 1
os.remove(path)
