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
  local body, code, headers, status = http.request("http://127.0.0.1:" .. port .. "/path")
  print(body:sub(1, 5), code, headers["content-length"], status) --> hello  200  6  HTTP/1.1 200 OK
  copas.removeserver(server)
  print(http.request("http://127.0.0.1:" .. port)) --> nil  connection refused
end)
