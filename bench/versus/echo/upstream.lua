-- The line echo server on the Copas of Debian's package lua-copas (of 2014, the newest that Debian has) with
-- LuaSocket, as in its manual. Runs under Lua 5.1 and LuaJIT, for which it is packaged. With `blocks` it sends back
-- 64 bytes at a time.
local copas = require "copas"
local socket = require "socket"

local server = assert(socket.bind("127.0.0.1", tonumber(arg[1]) or 0, 1024))
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
