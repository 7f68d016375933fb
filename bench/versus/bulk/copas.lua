-- Sends or receives a lot as a Copas program, plain or encrypted.
--   copas.lua 0 send|receive BYTES [CERTIFICATE KEY]
local copas = require "copas"
local socket = require "copas.socket"

local sends, bytes, block = arg[2] == "send", tonumber(arg[3]), 64 * 1024
local params = arg[4] and { wrap = { mode = "server", protocol = "any", certificate = arg[4], key = arg[5] } }

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

copas.addserver(server, copas.handler(function(skt)
  if sends then send_bytes(skt) else receive_bytes(skt) end
end, params))

copas.loop()
