local socket = require("socket")
local copas = require("copas")
local host = "127.0.0.1"
local port = 10000
local skt = socket.connect(host, port)
skt:settimeout(0) -- important: make it non-blocking
copas.addthread(function()
while true do
print("receiving...")
local resp = copas.receive(skt, 6)
print("received:", resp or "nil")
if resp and resp:sub(1,4) == "quit" then
skt:close()
break
end
end
end)
copas()
