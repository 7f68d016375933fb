local copas = require("copas")
local socket = require("copas.socket")

local server = socket.bind("127.0.0.1", 0)
copas(function()
  local client = copas.wrap(socket.tcp())
  print(client:connect(server:getsockname())) --> 1  nil
  print(client:connect(server:getsockname())) --> nil  already connected
end)
