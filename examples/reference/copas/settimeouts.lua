local copas = require("copas")
local socket = require("copas.socket")

local server = socket.bind("127.0.0.1", 0)
copas(function()
  local client = socket.tcp()
  copas.settimeouts(client, 5, nil, 0.01) -- connect in 5 s, receive in 0.01 s, send without a limit
  copas.connect(client, server:getsockname())
  print(copas.receive(client)) --> nil  timeout
end)
