local socket = require("copas.socket")

local connect = socket.protect(function(port)
  local skt = socket.try(socket.connect("127.0.0.1", port))
  skt:close()
  return "connected"
end)

local server = socket.bind("127.0.0.1", 0)
local _, port = server:getsockname()
print(connect(port)) --> connected
server:close()
print(connect(port)) --> nil  connection refused
