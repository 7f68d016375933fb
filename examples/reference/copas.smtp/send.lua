local copas = require("copas")
local smtp = require("copas.smtp")
local socket = require("socket")

local server = assert(socket.bind("127.0.0.1", 0))
copas.addserver(server, copas.handler(function(skt)
  skt:send("220 mail.test\r\n")
  while true do
    local line = skt:receive()
    if not line then return end
    skt:send(line == "QUIT" and "221 bye\r\n" or line == "DATA" and "354 go on\r\n" or "250 ok\r\n")
    if line == "DATA" then
      repeat until skt:receive() == "."
      skt:send("250 ok\r\n")
    end
  end
end))
local _, port = server:getsockname()

copas(function()
  print(smtp.send {
    from = "<me@here.test>",
    rcpt = "<you@there.test>",
    source = smtp.message { headers = { subject = "greetings" }, body = "hello" },
    server = "127.0.0.1",
    port = port,
  }) --> 1
  copas.removeserver(server)
end)
