local copas = require("copas")
local socket = require("copas.socket")

local server = socket.bind("127.0.0.1", 0)
copas.setsocketname("echo", server)
copas.addserver(server, function(client)
  print(copas.getsocketname(client)) --> echo:client_1
  print(copas.getthreadname()) --> echo:handler_1
  copas.removeserver(server)
end)
copas(function()
  copas.connect(socket.tcp(), server:getsockname())
end)
