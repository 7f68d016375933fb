-- The line echo server as a Copas program: the handler of a connection reads and writes as if it were alone.
local copas = require "copas"
local socket = require "copas.socket"

local server = assert(socket.bind("127.0.0.1", tonumber(arg[1]) or 0))
local _, port = server:getsockname()
print("listening " .. port)
io.flush()

copas.addserver(server, function(skt)
  skt = copas.wrap(skt)
  while true do
    local line = skt:receive()
    if not line or line == "quit" then break end
    skt:send(line .. "\n")
  end
end)

copas.loop()
