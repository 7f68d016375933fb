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

local server = assert(socket.bind("127.0.0.1", 0))
copas.addserver(server, function(skt)
  local connection = copas.dohandshake(skt, { mode = "server", protocol = "any", key = name, certificate = name })
  copas.send(connection, "hello\n")
  copas.removeserver(server)
end)

copas(function()
  local skt = socket.tcp()
  copas.connect(skt, server:getsockname())
  local connection = copas.dohandshake(skt, { mode = "client", protocol = "any", verify = "peer", cafile = name })
  print(copas.receive(connection)) --> hello  nil  nil
  connection:close()
end)
os.remove(name)
