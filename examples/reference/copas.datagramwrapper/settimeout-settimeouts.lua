local copas = require("copas")
local socket = require("copas.socket")

local server = copas.wrap(socket.udp())
server:setsockname("127.0.0.1", 0)
copas(function()
  print(server:settimeout(0.01)) --> true
  print(server:receive()) --> nil  timeout  nil
  print(server:settimeouts(nil, nil, 0.02)) --> true
  print(server:receive()) --> nil  timeout  nil
end)
