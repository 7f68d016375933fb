local copas = require("copas")
local socket = require("copas.socket")

local server = socket.bind("127.0.0.1", 0)
copas(function()
  local client = copas.wrap(socket.tcp())
  client:connect(server:getsockname())
  client:send("hello")
  local received, sent = client:getstats()
  print(received, sent) --> 0  5

  client:setstats(0, 0, 0)
  received, sent = client:getstats()
  print(received, sent) --> 0  0
end)
