local copas = require("copas")
local socket = require("copas.socket")

local server = socket.bind("127.0.0.1", 0)
local _, port = server:getsockname()
copas(function()
  local client = copas.wrap(socket.tcp())
  client:connect("127.0.0.1", port)
  local ip, its_port, family = client:getpeername()
  print(ip, its_port == port, family) --> 127.0.0.1  true  inet
  print((client:getsockname())) --> 127.0.0.1
end)
