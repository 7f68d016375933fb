local copas = require("copas")
local socket = require("copas.socket")

local server = socket.bind("127.0.0.1", 0)
copas(function()
  local client = socket.tcp()
  print(copas.settimeout(client, 0.01)) --> true
  copas.connect(client, server:getsockname())
  print(copas.receive(client)) --> nil  timeout

  print(copas.settimeout(client, "soon")) --> nil  timeout must be 'nil' or a number
end)
