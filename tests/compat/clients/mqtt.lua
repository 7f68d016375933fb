-- A client for MQTT 3.1.1 in the shape of libraries for Copas: packets here, sockets in a connector, a table of functions
-- that get a table of the connection with `host`, `port` and `secure_params`.
local copas = require("copas")
local socket = require("socket")

local mqtt = { connectors = {} }

-- Sockets wrapped by Copas, secured as they are connected.
local wrapped = {}
mqtt.connectors.wrapped = wrapped

function wrapped.connect(conn)
  local sock = copas.wrap(socket.tcp(), conn.secure_params)
  copas.setsocketname("mqtt@" .. conn.host .. ":" .. conn.port, sock)
  sock:settimeouts(conn.timeout, conn.timeout, -1) -- what is published may be long in coming
  local ok, err = sock:connect(conn.host, conn.port)
  if not ok then return false, "copas.connect failed: " .. err end
  conn.sock = sock
  return true
end

function wrapped.send(conn, data, i, j)
  local ok, err = conn.sock:send(data, i, j)
  if not ok then return false, "connector.send failed: " .. err end
  return true
end

function wrapped.receive(conn, size)
  local data, err = conn.sock:receive(size)
  if not data then return false, err end
  return data
end

function wrapped.shutdown(conn) conn.sock:close() end

-- Raw sockets, connected and secured by their own libraries, which blocks; then handed to the functions of Copas.
local raw = {}
mqtt.connectors.raw = raw

function raw.connect(conn)
  local sock, err = socket.connect(conn.host, conn.port)
  if not sock then return false, "socket.connect failed: " .. err end
  if conn.secure_params then
    local secured
    secured, err = require("ssl").wrap(sock, conn.secure_params)
    if not secured then return false, "ssl.wrap failed: " .. err end
    sock, secured = secured, nil
    secured, err = sock:dohandshake()
    if not secured then return false, "dohandshake failed: " .. err end
  end
  sock:settimeout(0)
  copas.settimeouts(sock, conn.timeout, conn.timeout, -1)
  conn.sock = sock
  return true
end

function raw.send(conn, data, i, j)
  local ok, err = copas.send(conn.sock, data, i, j)
  return ok, err
end

function raw.receive(conn, size)
  local data, err = copas.receive(conn.sock, size)
  return data, err
end

function raw.shutdown(conn)
  if conn.secure_params then
    copas.close(conn.sock)
  else
    conn.sock:shutdown()
  end
end

-- Packets (section 2 of the standard)

local function field(text)
  return string.char(math.floor(#text / 256), #text % 256) .. text
end

local function number(value)
  return string.char(math.floor(value / 256), value % 256)
end

local function packet(first, body)
  local length, header = #body, { string.char(first) }
  repeat
    local digit = length % 128
    length = math.floor(length / 128)
    header[#header + 1] = string.char(length > 0 and digit + 128 or digit)
  until length == 0
  return table.concat(header) .. body
end

local CONNECT, CONNACK, PUBLISH, PUBACK, SUBSCRIBE, SUBACK, PINGREQ, PINGRESP, DISCONNECT = 1, 2, 3, 4, 8, 9, 12, 13, 14

local client = {}
client.__index = client

---A client that is not connected yet.
---@param options { id: string, connector: table, host: string, port: integer, secure_params: table?, keep_alive: integer? }
function mqtt.client(options)
  return setmetatable({
    options = options,
    conn = { host = options.host, port = options.port, secure_params = options.secure_params, timeout = 30 },
    messages = copas.queue.new(),
    answers = {}, -- queues by what is waited for
    last_id = 0,
  }, client)
end

function client:send(bytes)
  return self.options.connector.send(self.conn, bytes)
end

function client:receive_packet()
  local connector, conn = self.options.connector, self.conn
  local first, err = connector.receive(conn, 1)
  if not first then return nil, err end
  local length, factor = 0, 1
  repeat
    local digit
    digit, err = connector.receive(conn, 1)
    if not digit then return nil, err end
    length = length + digit:byte() % 128 * factor
    factor = factor * 128
  until digit:byte() < 128
  local body = ""
  if length > 0 then
    body, err = connector.receive(conn, length)
    if not body then return nil, err end
  end
  return math.floor(first:byte() / 16), first:byte() % 16, body
end

function client:answer(name)
  self.answers[name] = self.answers[name] or copas.queue.new()
  return self.answers[name]
end

function client:take(kind, flags, body)
  if kind == PUBLISH then
    local length = body:byte(1) * 256 + body:byte(2)
    local topic, rest = body:sub(3, 2 + length), body:sub(3 + length)
    local qos = math.floor(flags / 2) % 4
    if qos > 0 then
      self:send(packet(PUBACK * 16, rest:sub(1, 2)))
      rest = rest:sub(3)
    end
    self.messages:push { topic = topic, payload = rest }
  elseif kind == CONNACK then
    self:answer("connack"):push(body:byte(2))
  elseif kind == PINGRESP then
    self:answer("pong"):push(true)
  else -- PUBACK, SUBACK
    self:answer(body:byte(1) * 256 + body:byte(2)):push(body:byte(3) or 0)
  end
end

---Connects, and receives from then on: true; or nil and an error.
function client:connect(will)
  local ok, err = self.options.connector.connect(self.conn)
  if not ok then return nil, err end
  copas.addnamedthread(self.options.id .. ":receiver", function()
    while true do
      local kind, flags, body = self:receive_packet()
      if not kind then
        self.ended = flags
        for _, queue in pairs(self.answers) do queue:push(false) end
        self.messages:push { ended = flags }
        return
      end
      self:take(kind, flags, body)
    end
  end)
  local keep_alive = self.options.keep_alive or 60
  local flags, payload = 2, field(self.options.id)
  if will then
    flags = flags + 4
    payload = payload .. field(will.topic) .. field(will.payload)
  end
  self:send(packet(CONNECT * 16, field("MQTT") .. string.char(4, flags) .. number(keep_alive) .. payload))
  local code = self:answer("connack"):pop()
  if code ~= 0 then return nil, self.ended or "refused: " .. tostring(code) end
  return true
end

function client:next_id()
  self.last_id = self.last_id % 65535 + 1
  return self.last_id
end

-- The answer to the packet of a number.
function client:acknowledged(id)
  local code, err = self:answer(id):pop()
  self.answers[id] = nil
  if not code then return nil, self.ended or err end
  return true
end

function client:subscribe(topic, qos)
  local id = self:next_id()
  self:send(packet(SUBSCRIBE * 16 + 2, number(id) .. field(topic) .. string.char(qos)))
  return self:acknowledged(id)
end

function client:publish(topic, payload, qos)
  if qos == 0 then return self:send(packet(PUBLISH * 16, field(topic) .. payload)) end
  local id = self:next_id()
  self:send(packet(PUBLISH * 16 + 2, field(topic) .. number(id) .. payload))
  return self:acknowledged(id)
end

function client:ping()
  self:send(packet(PINGREQ * 16, ""))
  return self:answer("pong"):pop()
end

function client:disconnect()
  self:send(packet(DISCONNECT * 16, ""))
  self.options.connector.shutdown(self.conn)
end

---Is gone without a word.
function client:vanish()
  self.options.connector.shutdown(self.conn)
end

return mqtt
