local port = 51034
local server = socket.udp()
server:setsockname("*",port)
function handler(skt)
skt = copas.wrap(skt)
print("UDP connection handler")
while true do
local s, err
print("receiving...")
s, err = skt:receive(2048)
if not s then
print("Receive error: ", err)
return
end
print("Received data, bytes:" , #s)
end
end
copas.addserver(server, handler, 1)
copas()
