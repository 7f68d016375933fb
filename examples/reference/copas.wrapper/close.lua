local copas = require("copas")
local socket = require("copas.socket")

local server = socket.bind("127.0.0.1", 0)
copas(function()
  local client = copas.wrap(socket.tcp())
  client:connect(server:getsockname())
  print(client:close()) --> 1
  print(client:receive()) --> nil  closed
end)
