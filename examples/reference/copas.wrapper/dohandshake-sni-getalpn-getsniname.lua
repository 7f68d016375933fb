local copas = require("copas")
local socket = require("copas.socket")

-- A certificate for this run.
local pipe = io.popen("openssl req -x509 -newkey rsa:2048 -nodes -keyout /dev/stdout -subj /CN=localhost 2>/dev/null")
local pem = pipe:read("*a")
pipe:close()
local name = os.tmpname()
local file = io.open(name, "w")
file:write(pem)
file:close()

local params = { mode = "server", protocol = "any", key = name, certificate = name, alpn = { "two" } }
local server = assert(socket.bind("127.0.0.1", 0))
copas.addserver(server, function(skt)
  local connection = copas.wrap(skt, { wrap = params })
  print(connection:receive()) --> starttls  nil  nil
  connection:dohandshake()
  print(connection:getsniname(), connection:getalpn()) --> localhost  two  nil
  copas.removeserver(server)
end)

copas(function()
  local connection = copas.wrap(socket.tcp())
  connection:connect(server:getsockname())
  connection:send("starttls\n")
  connection.ssl_params = {
    wrap = { mode = "client", protocol = "any", verify = "peer", cafile = name, alpn = { "one", "two" } },
    sni = { names = "localhost" },
  }
  connection:sni()
  connection:dohandshake()
  print(connection:receive()) --> nil  closed
  connection:close()
end)
os.remove(name)
