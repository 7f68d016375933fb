local copas = require("copas")
local ftp = require("copas.ftp")
local socket = require("socket")

local server = assert(socket.bind("127.0.0.1", 0))
copas.addserver(server, copas.handler(function(skt)
  skt:send("421 not today\r\n")
end))
local _, port = server:getsockname()

copas(function()
  local url = "ftp://127.0.0.1:" .. port .. "/file;type=i"
  print(ftp.get(url)) --> nil  421 not today
  print(ftp.put(url, "content")) --> nil  421 not today
  print(ftp.command { host = "127.0.0.1", port = port, command = "mkd", argument = "folder" })
  --> nil  421 not today
  copas.removeserver(server)
end)
