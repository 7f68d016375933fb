-- The encrypted line echo server on cqueues, as in the examples of its manual: con:starttls() with a context of
-- luaossl, a coroutine of one controller for each connection, con:lines(), con:write().
local cqueues = require "cqueues"
local socket = require "cqueues.socket"
local context = require "openssl.ssl.context"
local pkey = require "openssl.pkey"
local x509 = require "openssl.x509"

local function contents(name)
  local file = assert(io.open(name))
  local text = file:read("*a")
  file:close()
  return text
end

local security = context.new("TLS", true)
security:setCertificate(x509.new(contents(arg[2])))
security:setPrivateKey(pkey.new(contents(arg[3])))

local function return_errors(_, _, why) return why end

local function echo(con)
  con:onerror(return_errors)
  con:setmode("b", "bl")
  if not con:starttls(security) then return con:close() end
  for line in con:lines("*L") do
    if not con:write(line) then break end
  end
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
    controller:wrap(echo, con)
  end
end)
assert(controller:loop())
