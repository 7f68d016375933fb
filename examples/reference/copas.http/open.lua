local copas = require("copas")
local http = require("copas.http")
local socket = require("socket")

local server = assert(socket.bind("127.0.0.1", 0))
copas.addserver(server, copas.handler(function(skt)
  repeat until skt:receive() == ""
  skt:send("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello\n")
end))
local _, port = server:getsockname()

copas(function()
  local exchange = http.open { host = "127.0.0.1", port = port, scheme = "http" }
  exchange:sendrequestline("GET", "/")
  exchange:sendheaders { host = "127.0.0.1" }
  print(exchange:receivestatusline()) --> 200  HTTP/1.1 200 OK
  print(exchange:receiveheaders()["content-length"]) --> 6
  print(exchange.c:receive()) --> hello  nil  nil
  exchange:close()
  copas.removeserver(server)
end)
