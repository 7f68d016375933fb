local copas = require("copas")
local socket = require("copas.socket")

local server = socket.bind("127.0.0.1", 0)
copas.addserver(server, function(client)
  local name = copas.receive(client)
  copas.send(client, "hello " .. name .. "\n")
end, 10) -- seconds that each receive or send may take

copas(function()
  local client = copas.wrap(socket.tcp())
  client:connect(server:getsockname())
  client:send("you\n")
  print((client:receive())) --> hello you
  copas.removeserver(server)
end)
