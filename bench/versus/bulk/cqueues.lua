-- Sends or receives a lot on cqueues, plain or by con:starttls() with a context of luaossl. Output is not buffered:
-- it comes in blocks already. con:read(-n) gives what there is, up to n bytes.
--   cqueues.lua 0 send|receive BYTES [CERTIFICATE KEY]
local cqueues = require "cqueues"
local socket = require "cqueues.socket"

local sends, bytes, block = arg[2] == "send", tonumber(arg[3]), 64 * 1024

local function contents(name)
  local file = assert(io.open(name))
  local text = file:read("*a")
  file:close()
  return text
end

local security
if arg[4] then
  security = require("openssl.ssl.context").new("TLS", true)
  security:setCertificate(require("openssl.x509").new(contents(arg[4])))
  security:setPrivateKey(require("openssl.pkey").new(contents(arg[5])))
end

local function return_errors(_, _, why) return why end

local function send_bytes(con)
  for line in con:lines("*l") do
    if line == "" or line == "\r" then break end
  end
  local text = ("x"):rep(block)
  for _ = 1, bytes / block do
    if not con:write(text) then break end
  end
end

local function receive_bytes(con)
  local left = bytes
  while left > 0 do
    local text = con:read(-block)
    if not text then return end
    left = left - #text
  end
  con:write("done\n")
end

local function serve(con)
  con:onerror(return_errors)
  con:setmode("b", "bn")
  con:setbufsiz(block, block)
  if not security or con:starttls(security) then
    if sends then send_bytes(con) else receive_bytes(con) end
  end
  con:shutdown("w")
  con:close()
end

local server = assert(socket.listen { host = "127.0.0.1", port = 0, reuseaddr = true, nodelay = true })
assert(server:listen())
local _, _, port = server:localname()
print("listening " .. port)
io.flush()

local controller = cqueues.new()
controller:wrap(function()
  for con in server:clients { nodelay = true } do
    controller:wrap(serve, con)
  end
end)
assert(controller:loop())
