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
  local request = http.parseRequest("http://127.0.0.1:" .. port)
  local create, used = http.getcreatefunc(request), nil
  request.create = function(adjusted)
    used = create(adjusted)
    return used
  end
  local _, code = http.request(request)
  print(code, #table.concat(request.target)) --> 200  6
  print(used.socket:getfd() == -1) --> true
  copas.removeserver(server)
end)
