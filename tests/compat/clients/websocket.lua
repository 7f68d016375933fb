-- WebSocket (RFC 6455) in the shape of libraries for Copas: a client and a server whose objects get the functions
-- `sock_connect`, `sock_send`, `sock_receive` and `sock_close`, made of raw sockets and the functions of Copas.
local copas = require("copas")
local mime = require("mime")
local socket = require("socket")
local sha1 = require("sha1")

local websocket = { TEXT = 1, BINARY = 2, CLOSE = 8, PING = 9, PONG = 10 }

local function xor(a, b)
  local result, bit = 0, 1
  while a > 0 or b > 0 do
    if a % 2 ~= b % 2 then result = result + bit end
    a, b, bit = math.floor(a / 2), math.floor(b / 2), bit * 2
  end
  return result
end

local keyed = setmetatable({}, { -- what bytes become, by the byte of the mask
  __index = function(self, key)
    local of_key = {}
    for byte = 0, 255 do of_key[byte] = string.char(xor(byte, key)) end
    self[key] = of_key
    return of_key
  end,
})

local function masked(data, mask)
  local keys, bytes = { mask:byte(1, 4) }, {}
  for index = 1, #data do bytes[index] = keyed[keys[(index - 1) % 4 + 1]][data:byte(index)] end
  return table.concat(bytes)
end

local function encode(data, opcode, mask, fin)
  local head = { string.char((fin == false and 0 or 128) + opcode) }
  local size, flag = #data, mask and 128 or 0
  if size < 126 then
    head[2] = string.char(flag + size)
  elseif size < 65536 then
    head[2] = string.char(flag + 126, math.floor(size / 256), size % 256)
  else
    head[2] = string.char(flag + 127, 0, 0, 0, 0, math.floor(size / 16777216), math.floor(size / 65536) % 256,
      math.floor(size / 256) % 256, size % 256)
  end
  if mask then return table.concat(head) .. mask .. masked(data, mask) end
  return table.concat(head) .. data
end
websocket.encode = encode

-- The frame that `encoded` begins with, or nil and how many bytes it lacks at least.
local function decode(encoded)
  local have = #encoded
  if have < 2 then return nil, 2 - have end
  local first, second = encoded:byte(1, 2)
  local size, at = second % 128, 3
  if size == 126 then
    if have < 4 then return nil, 4 - have end
    size = encoded:byte(3) * 256 + encoded:byte(4)
    at = 5
  elseif size == 127 then
    if have < 10 then return nil, 10 - have end
    size = 0
    for index = 3, 10 do size = size * 256 + encoded:byte(index) end
    at = 11
  end
  local mask
  if second >= 128 then
    if have < at + 3 then return nil, at + 3 - have end
    mask = encoded:sub(at, at + 3)
    at = at + 4
  end
  if have < at + size - 1 then return nil, at + size - 1 - have end
  local data = encoded:sub(at, at + size - 1)
  return { data = mask and masked(data, mask) or data, fin = first >= 128, opcode = first % 16 }
end

-- What clients and servers share.
local connection = {}
connection.__index = connection

function connection:receive_frame()
  local encoded, bytes = "", 2
  while true do
    local chunk, err = self:sock_receive(bytes)
    if err then return nil, err end
    encoded = encoded .. chunk
    local frame, missing = decode(encoded)
    if frame then return frame end
    bytes = missing
  end
end

---The next message and its kind; nil and an error at the end.
function connection:receive()
  local parts, opcode = {}, nil
  while true do
    local frame, err = self:receive_frame()
    if not frame then
      self:clean()
      return nil, err
    end
    if frame.opcode == websocket.CLOSE then
      if self.state == "OPEN" then self:send(frame.data, websocket.CLOSE) end
      self:clean()
      return nil, "closed in good order"
    elseif frame.opcode == websocket.PING then
      self:send(frame.data, websocket.PONG)
    elseif frame.opcode ~= websocket.PONG then
      opcode = opcode or frame.opcode
      parts[#parts + 1] = frame.data
      if frame.fin then return table.concat(parts), opcode end
    end
  end
end

function connection:send(data, opcode)
  local mask = self.is_client and "\1\2\3\4" or nil
  local encoded = encode(data, opcode or websocket.TEXT, mask)
  local sent, err = self:sock_send(encoded)
  if err or sent ~= #encoded then
    self:clean()
    return nil, err
  end
  return true
end

function connection:close()
  self.state = "CLOSING"
  self:send("\3\232", websocket.CLOSE)
  while self.state ~= "CLOSED" do
    local _, err = self:receive()
    if err and self.state == "CLOSED" then break end
  end
end

function connection:clean()
  if self.state == "CLOSED" then return end
  self.state = "CLOSED"
  self:sock_close()
end

local guid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

local function accepted(key)
  return (mime.b64(sha1(key .. guid)))
end

---A client.
---@param options { timeout: number?, protocol: string? }?
function websocket.client(options)
  options = options or {}
  local self = setmetatable({ is_client = true, state = "CLOSED" }, connection)

  function self.sock_connect(_, host, port)
    self.sock = socket.tcp()
    if options.timeout then self.sock:settimeout(options.timeout) end
    local _, err = copas.connect(self.sock, host, port)
    if err and err ~= "already connected" then
      self.sock:close()
      return nil, err
    end
  end
  function self.sock_send(_, ...) return copas.send(self.sock, ...) end
  function self.sock_receive(_, ...) return copas.receive(self.sock, ...) end
  function self.sock_close()
    self.sock:shutdown()
    self.sock:close()
  end

  function self.connect(_, host, port, path)
    local _, err = self:sock_connect(host, port)
    if err then return nil, err end
    local key = mime.b64("0123456789abcdef")
    local lines = {
      ("GET %s HTTP/1.1"):format(path), ("Host: %s:%d"):format(host, port), "Upgrade: websocket", "Connection: Upgrade",
      "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: " .. key,
    }
    if options.protocol then lines[#lines + 1] = "Sec-WebSocket-Protocol: " .. options.protocol end
    local request = table.concat(lines, "\r\n") .. "\r\n\r\n"
    if self:sock_send(request) ~= #request then return nil, "cannot send" end
    local answer = {}
    repeat
      local line
      line, err = self:sock_receive("*l")
      if err then
        self:sock_close()
        return nil, err
      end
      local name, value = line:match("^(.-):%s*(.*)$")
      if name then answer[name:lower()] = value else answer[#answer + 1] = line end
    until line == ""
    if answer["sec-websocket-accept"] ~= accepted(key) then
      self:sock_close()
      return nil, answer[1]
    end
    self.state = "OPEN"
    return true, answer["sec-websocket-protocol"]
  end
  return self
end

---A server.
---@param options { interface: string?, port: integer, protocols: table<string, fun(client: table)> }
function websocket.listen(options)
  local listener, err = socket.bind(options.interface or "*", options.port)
  if err then error(err) end
  local clients = {}

  copas.addserver(listener, function(sock)
    local request = {}
    repeat
      local line = copas.receive(sock, "*l")
      if not line then
        sock:close()
        return
      end
      local name, value = line:match("^(.-):%s*(.*)$")
      if name then request[name:lower()] = value end
    until line == ""
    local key, protocol = request["sec-websocket-key"], request["sec-websocket-protocol"]
    local handler = options.protocols[protocol]
    if not key or not handler then
      copas.send(sock, "HTTP/1.1 400 Bad Request\r\n\r\n")
      sock:close()
      return
    end
    copas.send(sock, ("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" ..
      "Sec-WebSocket-Accept: %s\r\nSec-WebSocket-Protocol: %s\r\n\r\n"):format(accepted(key), protocol))

    local client = setmetatable({ state = "OPEN" }, connection)
    function client.sock_send(_, ...) return copas.send(sock, ...) end
    function client.sock_receive(_, ...) return copas.receive(sock, ...) end
    function client.sock_close()
      sock:shutdown()
      sock:close()
      clients[client] = nil
    end
    function client.broadcast(_, ...)
      for each in pairs(clients) do
        if each ~= client then each:send(...) end
      end
      client:send(...)
    end
    clients[client] = true
    handler(client)
  end)

  return {
    port = select(2, listener:getsockname()),
    clients = clients,
    close = function(_, keep_clients)
      copas.removeserver(listener)
      if keep_clients then return end
      for client in pairs(clients) do client:close() end
    end,
  }
end

return websocket
