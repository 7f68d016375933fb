-- The line echo server as a Copas program: the handler of a connection reads and writes as if it were alone.
-- With `blocks` it sends back 64 bytes at a time.
local copas = require "copas"
local socket = require "copas.socket"

local server = assert(socket.bind("127.0.0.1", tonumber(arg[1]) or 0))
local _, port = server:getsockname()
print("listening " .. port)
io.flush()

local function echo(skt)
  skt:setoption("tcp-nodelay", true)
  skt = copas.wrap(skt)
  while true do
    local line = skt:receive()
    if not line or line == "quit" then break end
    skt:send(line .. "\n")
  end
end

local function echo_blocks(skt)
  skt:setoption("tcp-nodelay", true)
  skt = copas.wrap(skt)
  while true do
    local block = skt:receive(64)
    if not block then break end
    skt:send(block)
  end
end

copas.addserver(server, arg[2] == "blocks" and echo_blocks or echo)

copas.loop()
