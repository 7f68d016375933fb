local copas = require("copas")
local socket = require("copas.socket")
local tls = require("copas.tls")

-- A certificate for this run.
local pipe = io.popen("openssl req -x509 -newkey rsa:2048 -nodes -keyout /dev/stdout -subj /CN=localhost 2>/dev/null")
local pem = pipe:read("*a")
pipe:close()
local name = os.tmpname()
local file = io.open(name, "w")
file:write(pem)
file:close()

local server = assert(socket.bind("127.0.0.1", 0))
local serve = copas.handler(function() copas.removeserver(server) end, {
  mode = "server",
  protocol = "tlsv1_3",
  key = name,
  certificate = name,
})
copas.addserver(server, serve)

copas(function()
  local skt = socket.tcp()
  copas.connect(skt, server:getsockname())
  local connection = tls.wrap(skt, { mode = "client", protocol = "any", verify = "none", cafile = name, dane = true })
  print(connection:setdane("localhost")) --> true
  print(connection:settlsa(3, 1, 1, ("x"):rep(32))) --> true
  copas.dohandshake(connection)

  print(connection:info("protocol"), connection:info().export) --> TLSv1.3  false
  print(connection:getpeercertificate():subject()[1].value, #connection:getpeerchain()) --> localhost  1
  print((connection:getpeerverification())) --> false
  print(#connection:getfinished() == #connection:getpeerfinished()) --> true
  print(connection:getalpn(), connection:getsniname(), connection:resumed()) --> nil  localhost  false
  print(#connection:exportkeyingmaterial("label", 16)) --> 16
  connection:close()
end)
os.remove(name)
