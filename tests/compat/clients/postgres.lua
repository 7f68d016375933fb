-- A client for PostgreSQL in the shape of libraries on LuaSocket: they get or make a socket, and call its `connect`, `settimeout`,
-- `send` and `receive(n)`; to secure it, whatever the kind of socket is made for.
local postgres = {}
postgres.__index = postgres

local function int32(value)
  local bytes = {}
  for index = 4, 1, -1 do
    bytes[index] = string.char(value % 256)
    value = math.floor(value / 256)
  end
  return table.concat(bytes)
end

local function integer(text)
  local value = 0
  for index = 1, #text do value = value * 256 + text:byte(index) end
  if value >= 2 ^ (8 * #text - 1) then value = value - 2 ^ (8 * #text) end
  return value
end

---@param config { host: string, port: integer, user: string, database: string, sock: table, ssl: table? }
function postgres.new(config)
  return setmetatable({ config = config, sock = config.sock, notifications = {} }, postgres)
end

function postgres:settimeout(milliseconds)
  return self.sock:settimeout(milliseconds / 1000)
end

function postgres:send_message(kind, body)
  return self.sock:send(kind .. int32(#body + 4) .. body)
end

function postgres:receive_message()
  local head, err = self.sock:receive(5)
  if not head then return nil, "receive: failed to get type: " .. err end
  local length, body = integer(head:sub(2)) - 4, ""
  if length > 0 then
    body, err = self.sock:receive(length)
    if not body then return nil, "receive: failed to get body: " .. err end
  end
  return head:sub(1, 1), body
end

-- Asks for TLS, and begins it where the server agrees.
function postgres:secure()
  self.sock:send(int32(8) .. int32(80877103))
  local answer, err = self.sock:receive(1)
  if answer ~= "S" then return nil, err or "the server does not support SSL connections" end
  return self.sock:dohandshake(self.config.ssl)
end

function postgres:connect()
  local config = self.config
  local ok, err = self.sock:connect(config.host, config.port)
  if not ok then return nil, err end
  if config.ssl then
    ok, err = self:secure()
    if not ok then return nil, err end
  end
  local parameters = int32(196608) .. "user\0" .. config.user .. "\0database\0" .. config.database .. "\0\0"
  self.sock:send(int32(#parameters + 4) .. parameters)
  return self:until_ready()
end

local function error_of(body)
  for kind, text in body:gmatch("(%a)([^%z]*)%z") do
    if kind == "M" then return text end
  end
end

local function row_of(body)
  local row, at = {}, 3
  for index = 1, integer(body:sub(1, 2)) do
    local length = integer(body:sub(at, at + 3))
    at = at + 4
    if length >= 0 then
      row[index] = body:sub(at, at + length - 1)
      at = at + length
    end
  end
  return row
end

-- Reads up to the point where the server takes the next query: the rows; or nil and an error.
function postgres:until_ready()
  local rows, failure = {}, nil
  while true do
    local kind, body = self:receive_message()
    if not kind then return nil, body end
    if kind == "E" then failure = error_of(body) end
    if kind == "E" and not self.ready then return nil, failure end
    if kind == "D" then rows[#rows + 1] = row_of(body) end
    if kind == "A" then self:keep_notification(body) end
    if kind == "R" and integer(body:sub(1, 4)) ~= 0 then return nil, "unknown way to authenticate" end
    if kind == "Z" then
      self.ready = true
      if failure then return nil, failure end
      return rows
    end
  end
end

function postgres:keep_notification(body)
  local channel, payload = body:sub(5):match("^([^%z]*)%z([^%z]*)")
  self.notifications[#self.notifications + 1] = { channel = channel, payload = payload }
end

function postgres:query(text)
  local ok, err = self:send_message("Q", text .. "\0")
  if not ok then return nil, err end
  return self:until_ready()
end

function postgres:wait_for_notification()
  while #self.notifications == 0 do
    local kind, body = self:receive_message()
    if not kind then return nil, body end
    if kind == "A" then self:keep_notification(body) end
  end
  return table.remove(self.notifications, 1)
end

function postgres:disconnect()
  self:send_message("X", "")
  return self.sock:close()
end

return postgres
