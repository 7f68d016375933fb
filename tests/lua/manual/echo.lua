function echoHandler(skt)
while true do
local data = copas.receive(skt)
if data == "quit" then
break
end
copas.send(skt, data)
end
end
