local copas = require("copas")
local smtp = require("copas.smtp")
local socket = require("socket")

local server = assert(socket.bind("127.0.0.1", 0))
copas.addserver(server, copas.handler(function(skt)
  skt:send("220 mail.test\r\n")
  while true do
    local command = skt:receive()
    if not command then return end
    print(command)
    skt:send("250 ok\r\n")
  end
end))
local _, port = server:getsockname()

copas(function()
  local session = smtp.open("127.0.0.1", port)
  session:greet("here.test") --> EHLO here.test
  session:quit() --> QUIT
  session:close()
  copas.removeserver(server)
end)
