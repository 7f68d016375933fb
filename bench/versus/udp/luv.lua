-- The UDP echo server on luv (libuv for Lua), as in luv's example udp-echo: recv_start with a callback. It sends by
-- try_send, which libuv has for datagrams that the kernel takes at once.
local uv = require "luv"

local server = uv.new_udp()
assert(server:bind("127.0.0.1", 0))
assert(server:recv_start(function(err, datagram, sender)
  if err or not datagram or not sender then return end
  if not server:try_send(datagram, sender.ip, sender.port) then
    server:send(datagram, sender.ip, sender.port, function() end)
  end
end))

print("listening " .. server:getsockname().port)
io.flush()
uv.run()
