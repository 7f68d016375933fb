local copas = require("copas")
local ftp = require("copas.ftp")
local socket = require("socket")

local server = assert(socket.bind("127.0.0.1", 0))
copas.addserver(server, copas.handler(function(skt)
  skt:send("220 hello\r\n")
  while true do
    local command = skt:receive()
    if not command then return end
    print(command)
    skt:send("250 yes\r\n")
  end
end))
local _, port = server:getsockname()

copas(function()
  local session = ftp.open("127.0.0.1", port)
  session:greet()
  session:login("me", "secret") --> USER me
  session:cwd("folder") --> CWD folder
  session:quit() --> QUIT
  session:close()
  copas.removeserver(server)
end)
