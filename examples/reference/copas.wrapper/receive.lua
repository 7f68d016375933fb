local copas = require("copas")
local socket = require("copas.socket")

local server = socket.bind("127.0.0.1", 0)
copas.addserver(server, copas.handler(function(client)
  print(client:receive()) --> a line  nil  nil
  print(client:receive(5)) --> nil  closed  end
  copas.removeserver(server)
end))
copas(function()
  local client = copas.wrap(socket.tcp())
  client:connect(server:getsockname())
  client:send("a line\nend")
  client:close()
end)
