local unix = require("copas.socket.unix")

local path = os.tmpname()
os.remove(path)
local server, client = unix(), unix()
server:bind(path)
server:listen()
client:connect(path)
client:send("a line\n")
local received, sent, age = client:getstats()
print(received, sent, age < 10) --> 0  7  true
client:setstats(0, 0, 0)
print((select(2, client:getstats()))) --> 0
os.remove(path)
