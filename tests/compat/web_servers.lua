-- Web servers in the style of those that run on Copas: one with raw sockets and a loop for each connection, one with
-- handlers of wrapped sockets, one that upgrades connections and keeps them, to send to all.
local copas = require("copas")
local socket = require("socket")

local function listen()
  local server = assert(socket.bind("127.0.0.1", 0))
  return server, (select(2, server:getsockname()))
end

local function read_head(receive)
  local request_line, err = receive("*l")
  if not request_line then return nil, err end
  local headers = {}
  while true do
    local line = receive("*l")
    if not line or line == "" then break end
    local name, value = line:match("^(.-):%s*(.*)$")
    headers[name:lower()] = value
  end
  return request_line, headers
end

local function response(body, keep_alive)
  return ("HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: %s\r\n\r\n%s"):format(#body,
    keep_alive and "keep-alive" or "close", body)
end

-- 1. Requests one after the other on a connection that stays.
local first, first_port = listen()
copas.addserver(first, function(skt)
  skt:setoption("tcp-nodelay", true)
  skt = copas.wrap(skt)
  while true do
    local line, headers = read_head(function(pattern) return skt:receive(pattern) end)
    if not line then break end
    local body = headers["content-length"] and skt:receive(tonumber(headers["content-length"])) or ""
    skt:send(response(line .. " | " .. body, headers.connection ~= "close"))
    skt:flush()
    if headers.connection == "close" then break end
  end
end)

-- 2. A handler, with a timeout for all its clients.
local second, second_port = listen()
copas.addserver(second, copas.handler(function(client, ...)
  assert(select("#", ...) == 0)
  client:settimeout(5)
  local line = read_head(function(pattern) return client:receive(pattern) end)
  local ip = client:getpeername()
  client:send(response(line .. " from " .. ip))
  client:close()
end), 10, "second")

-- 3. Connections that are kept, and hear what any of them says.
local third, third_port = listen()
local members = {}
copas.addserver(third, function(sock)
  local line = read_head(function(pattern) return copas.receive(sock, pattern) end)
  assert(line:find("^GET /chat"))
  copas.send(sock, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: chat\r\nConnection: Upgrade\r\n\r\n")
  members[sock] = true
  while true do
    local length, err = copas.receive(sock, 2)
    if not length then
      assert(err == "closed", err)
      break
    end
    local message = copas.receive(sock, tonumber(length))
    for member in pairs(members) do copas.send(member, ("%02d%s"):format(#message, message)) end
  end
  members[sock] = nil
end)

local function connect(port)
  local skt = copas.wrap(socket.tcp())
  skt:settimeout(5)
  assert(skt:connect("127.0.0.1", port))
  return skt
end

local function read_response(skt)
  local line, headers = read_head(function(pattern) return skt:receive(pattern) end)
  local length = tonumber(headers["content-length"])
  return line, length and skt:receive(length)
end

local open = 3
local function leave(server)
  open = open - 1
  copas.removeserver(server)
end

copas.addthread(function()
  local skt = connect(first_port)
  for turn = 1, 3 do
    skt:send(("POST /%d HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody"):format(turn))
    local line, body = read_response(skt)
    assert(line == "HTTP/1.1 200 OK")
    assert(body == ("POST /%d HTTP/1.1 | body"):format(turn), body)
  end
  skt:send("GET /a HTTP/1.1\r\n\r\nGET /b HTTP/1.1\r\nConnection: close\r\n\r\n") -- two at once
  assert(select(2, read_response(skt)) == "GET /a HTTP/1.1 | ")
  assert(select(2, read_response(skt)) == "GET /b HTTP/1.1 | ")
  local data, err = skt:receive()
  assert(data == nil and err == "closed")
  leave(first)
end)

copas.addthread(function()
  local skt = connect(second_port)
  skt:send("GET / HTTP/1.0\r\n\r\n")
  local all = skt:receive("*a")
  assert(all:find("GET / HTTP/1.0 from 127.0.0.1$"), all)
  leave(second)
end)

copas.addthread(function()
  local clients = {}
  for number = 1, 5 do
    local skt = connect(third_port)
    skt:send("GET /chat HTTP/1.1\r\nUpgrade: chat\r\n\r\n")
    assert(read_response(skt):find("101", 1, true))
    clients[number] = skt
  end
  clients[2]:send("05hello")
  for _, skt in ipairs(clients) do assert(skt:receive(7) == "05hello") end
  for _, skt in ipairs(clients) do skt:close() end
  leave(third)
end)

copas.loop()
assert(open == 0)
assert(next(members) == nil)
print("ok")
