-- The encrypted line echo server as a Copas program: `copas.handler` with TLS parameters, as in the manual.
local copas = require "copas"
local socket = require "copas.socket"

local server = assert(socket.bind("127.0.0.1", 0))
local _, port = server:getsockname()
print("listening " .. port)
io.flush()

local params = { wrap = { mode = "server", protocol = "any", certificate = arg[2], key = arg[3] } }

copas.addserver(server, copas.handler(function(skt)
  skt:setoption("tcp-nodelay", true)
  while true do
    local line = skt:receive()
    if not line then break end
    skt:send(line .. "\n")
  end
end, params))

copas.loop()
