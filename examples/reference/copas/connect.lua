local copas = require("copas")
local socket = require("copas.socket")

local server = socket.bind("127.0.0.1", 0)
local _, port = server:getsockname()
copas(function()
  print(copas.connect(socket.tcp(), "localhost", port)) --> 1  nil

  server:close()
  print(copas.connect(socket.tcp(), "127.0.0.1", port)) --> nil  connection refused
end)
