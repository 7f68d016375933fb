-- A scripted HTTP server in the loop under test.
local loop = require("support.loop")
local sockets = require("support.sockets")

local socket = require("copas.socket")

local web = {}
web.__index = web

---An answer whose body is "hello".
web.ok = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"

---Answers each connection with the next text, or function of the request, of `answers`, and closes it.
---@param sslparams table?  to serve by TLS
function web.serve(copas, answers, sslparams)
  local self = setmetatable({ requests = {} }, web)
  self.server, self.port = sockets.listen(socket)
  self.url = (sslparams and "https" or "http") .. "://127.0.0.1:" .. self.port
  self.copas = copas
  local count = 0
  copas.addserver(self.server, copas.handler(function(skt)
    count = count + 1
    local answer = answers[count] or answers[#answers]
    local request = web.read(skt)
    self.requests[count] = request
    if type(answer) == "function" then answer = answer(request, skt) or "" end
    skt:send(answer)
  end, sslparams))
  return self
end

---As `serve`, but a connection stays open for further requests until the client closes it, or an answer is a function that
---does. `connections` counts them.
function web.keep(copas, answers, sslparams)
  local self = setmetatable({ requests = {}, connections = 0 }, web)
  self.server, self.port = sockets.listen(socket)
  self.url = (sslparams and "https" or "http") .. "://127.0.0.1:" .. self.port
  self.copas = copas
  local count = 0
  copas.addserver(self.server, copas.handler(function(skt)
    self.connections = self.connections + 1
    while true do
      local request = web.read(skt)
      if not request.line then break end
      count = count + 1
      self.requests[count] = request
      local answer = answers[count] or answers[#answers]
      if type(answer) == "function" then answer = answer(request, skt) or "" end
      if answer ~= "" and not skt:send(answer) then break end
    end
    skt:close()
  end, sslparams))
  return self
end

---The head of a request, and its body.
function web.read(skt)
  local request = { headers = {}, body = "" }
  request.line = skt:receive()
  if not request.line then return request end
  while true do
    local line = skt:receive()
    if not line or line == "" then break end
    local name, value = line:match("^(.-): (.*)$")
    request.headers[name:lower()] = value
  end
  local length = tonumber(request.headers["content-length"])
  if length then request.body = skt:receive(length) end
  if request.headers["transfer-encoding"] == "chunked" then
    request.chunks = {}
    repeat
      local size = tonumber(skt:receive(), 16)
      local chunk = skt:receive(size)
      skt:receive()
      request.chunks[#request.chunks + 1] = size > 0 and chunk or nil
    until size == 0
    request.body = table.concat(request.chunks)
  end
  return request
end

function web:stop()
  self.copas.removeserver(self.server)
end

---Runs `use(server)` with a server that keeps connections open.
function web.with_keeping(copas, http, answers, use, sslparams)
  local server = web.keep(copas, type(answers) == "table" and answers or { answers }, sslparams)
  loop.run(copas, function()
    use(server)
    http.closeidle()
    server:stop()
  end)
  return server
end

---Asks a server for the same twice, one after the other.
---@param request table?  what the requests have besides the URL
function web.get_twice(http, server, request)
  for _ = 1, 2 do
    local copy = { url = server.url }
    for name, value in pairs(request or {}) do copy[name] = value end
    assert(http.request(copy))
  end
end

return web
