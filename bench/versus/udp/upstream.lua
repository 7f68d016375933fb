-- The UDP echo server on the Copas of Debian's package lua-copas with LuaSocket, as in its manual.
local copas = require "copas"
local socket = require "socket"

local server = assert(socket.udp())
assert(server:setsockname("127.0.0.1", 0))
local _, port = server:getsockname()
print("listening " .. port)
io.flush()

copas.addserver(server, function(skt)
  skt = copas.wrap(skt)
  while true do
    local datagram, ip, sender = skt:receivefrom(2048)
    if datagram then skt:sendto(datagram, ip, sender) end
  end
end)

copas.loop()
