-- Sends each datagram back to where it came from, until one says "quit".
--   copas examples/lua/udp_echo.lua [PORT]     then, elsewhere: nc -u 127.0.0.1 PORT
local copas = require("copas")
local socket = require("socket")

local port = tonumber(arg and arg[1]) or 20000
local server = assert(socket.udp())
assert(server:setsockname("127.0.0.1", port))

local function echo_handler(skt)
  skt = copas.wrap(skt)
  while true do
    local data, ip, from = skt:receivefrom()
    if not data or data:match("^quit\n?$") then break end
    skt:sendto(data, ip, from)
  end
end

copas.addserver(server, echo_handler)
if not copas.running then copas() end
