local copas = require("copas")
local socket = require("copas.socket")

local server = socket.bind("127.0.0.1", 0)
copas(function()
  local client = copas.wrap(socket.tcp())
  print(client:settimeout(5)) --> true
  print(client:settimeouts(nil, nil, 0.01)) --> true
  client:connect(server:getsockname())
  print(client:receive()) --> nil  timeout
end)
