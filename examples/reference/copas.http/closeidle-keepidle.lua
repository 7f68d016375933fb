local copas = require("copas")
local http = require("copas.http")
local socket = require("socket")

local server = assert(socket.bind("127.0.0.1", 0))
copas.addserver(server, copas.handler(function(skt)
  while true do
    local line
    repeat line = skt:receive() until not line or line == ""
    if not line then break end
    skt:send("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello\n")
  end
end))
local _, port = server:getsockname()

http.KEEPALIVE = true -- also to a server of the same loop, and to those that do not say that they wait

copas(function()
  http.keepidle(2, 10, 30) -- two to each server, ten in all, for half a minute
  for _ = 1, 3 do http.request("http://127.0.0.1:" .. port) end -- over one connection
  print(http.closeidle()) --> 1
  copas.removeserver(server)
end)
