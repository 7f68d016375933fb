-- The echo server of the manual. It sends each line back, until one says "quit".
--   copas examples/lua/echo.lua [PORT]     then, elsewhere: nc 127.0.0.1 PORT
local copas = require("copas")
local socket = require("socket")

local port = tonumber(arg and arg[1]) or 20000
local server = assert(socket.bind("127.0.0.1", port))

local function echo_handler(skt)
  skt = copas.wrap(skt)
  while true do
    local data = skt:receive()
    if not data or data == "quit" then break end
    skt:send(data .. "\n")
  end
end

copas.addserver(server, echo_handler)
if not copas.running then copas() end
