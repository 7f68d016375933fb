-- Sends or receives a lot on the Copas of Debian's package lua-copas with LuaSocket, which knows no TLS.
--   upstream.lua 0 send|receive BYTES
local copas = require "copas"
local socket = require "socket"

local sends, bytes, block = arg[2] == "send", tonumber(arg[3]), 64 * 1024

local server = assert(socket.bind("127.0.0.1", 0))
local _, port = server:getsockname()
print("listening " .. port)
io.flush()

local function send_bytes(skt)
  repeat
    local line = skt:receive()
  until not line or line == ""
  local text = ("x"):rep(block)
  for _ = 1, bytes / block do
    if not skt:send(text) then break end
  end
end

local function receive_bytes(skt)
  for _ = 1, bytes / block do
    if not skt:receive(block) then return end
  end
  skt:send("done\n")
end

copas.addserver(server, function(skt)
  skt:setoption("tcp-nodelay", true)
  skt = copas.wrap(skt)
  if sends then send_bytes(skt) else receive_bytes(skt) end
end)

copas.loop()
