-- The ways in which client libraries use sockets by Copas: raw ones that were connected by LuaSocket's own `connect`,
-- raw ones connected by `copas.connect`, and wrapped ones that a library takes for blocking ones.
local copas = require("copas")
local socket = require("socket")

local server = assert(socket.bind("127.0.0.1", 0))
local _, port = server:getsockname()

-- The peer: packets of a length in one byte, and that much more.
copas.addserver(server, copas.handler(function(skt)
  while true do
    local length = skt:receive(1)
    if not length then return end
    local body = skt:receive(length:byte())
    copas.pause(0.001)
    skt:send(length .. body:upper())
  end
end))

local function packet(text) return string.char(#text) .. text end

-- As MQTT clients do: a connector, a table of functions that get the connection.
local connector = {}

function connector.connect(conn)
  local sock, err = socket.connect(conn.host, conn.port) -- blocking, and left so
  if not sock then return false, "socket.connect failed: " .. err end
  conn.sock = sock
  return true
end

function connector.shutdown(conn) conn.sock:shutdown() end
function connector.send(conn, data, i, j)
  local ok, err = copas.send(conn.sock, data, i, j)
  return ok, err
end

function connector.receive(conn, size)
  local ok, err = copas.receive(conn.sock, size)
  return ok, err
end

local function by_connector()
  local conn = { host = "127.0.0.1", port = port }
  assert(connector.connect(conn))
  for turn = 1, 5 do
    local text = "packet" .. turn
    assert(connector.send(conn, "??" .. packet(text) .. "??", 3, 3 + #text))
    local length = assert(connector.receive(conn, 1))
    assert(connector.receive(conn, length:byte()) == text:upper())
  end
  connector.shutdown(conn)
end

-- As WebSocket clients do: an object whose methods are made for the socket, with a timeout.
local function by_methods()
  local self = {}
  self.sock = socket.tcp()
  self.sock:settimeout(5)
  local _, err = copas.connect(self.sock, "127.0.0.1", port)
  if err and err ~= "already connected" then
    self.sock:close()
    error(err)
  end
  self.sock_send = function(_, ...) return copas.send(self.sock, ...) end
  self.sock_receive = function(_, ...) return copas.receive(self.sock, ...) end
  self.sock_close = function()
    self.sock:shutdown()
    self.sock:close()
  end

  local sent = self:sock_send(packet("frame"))
  assert(sent == 6)
  assert(self:sock_receive(1) == "\5")
  assert(self:sock_receive(3, "") == "FRA")
  assert(self:sock_receive(2) == "ME")
  self:sock_close()
end

-- As Redis clients do: what `connect` gives has the methods of a socket, and options.
local function by_wrapped()
  local client = copas.wrap(socket.tcp())
  client:settimeout(5)
  assert(client:connect("127.0.0.1", tonumber(port)))
  assert(client:setoption("tcp-nodelay", true))
  local pipeline = {}
  for turn = 1, 10 do pipeline[turn] = packet("get" .. turn) end
  assert(client:send(table.concat(pipeline)))
  for turn = 1, 10 do
    local length = client:receive(1):byte()
    assert(client:receive(length) == "GET" .. turn)
  end
  local ip, peer_port, family = client:getpeername()
  assert(ip == "127.0.0.1" and tonumber(peer_port) == tonumber(port) and family == "inet")
  assert(client:shutdown("send"))
  local data, err = client:receive(1)
  assert(data == nil and err == "closed")
  client:close()
end

-- As database drivers do: the raw socket stays inside, and is asked for by others.
local function by_raw_of_wrapped()
  local client = copas.wrap(assert(socket.connect("127.0.0.1", port)))
  local raw = client.socket
  assert(raw:getfd() >= 0)
  assert(copas.send(raw, packet("raw")) == 4)
  assert(copas.receive(raw, 4) == "\3RAW")
  copas.setsocketname("database", client)
  assert(copas.getsocketname(raw) == "database")
  assert(copas.close(raw) == 1)
  assert(client:close() == 1)
end

local done = 0
for _, body in ipairs { by_connector, by_methods, by_wrapped, by_raw_of_wrapped } do
  copas.addthread(function()
    body()
    done = done + 1
    if done == 4 then copas.removeserver(server) end
  end)
end
copas.loop()
assert(done == 4)
print("ok")
