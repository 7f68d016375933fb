local copas = require("copas")
local socket = require("copas.socket")
local tls = require("copas.tls")

print(tls.newcontext { mode = "client", protocol = "any", cafile = "/nowhere.pem" })
--> nil  error loading CA locations (/nowhere.pem: No such file or directory)

local server = assert(socket.bind("127.0.0.1", 0))
local context = tls.newcontext { mode = "client", protocol = "any" }
copas(function()
  local raw = socket.tcp()
  copas.connect(raw, server:getsockname())
  local connection = tls.wrap(raw, context)
  print(raw:getfd(), connection:getfd() > 0) --> -1  true
  connection:close()
end)

print(tls.loadcertificate("no certificate")) --> nil
