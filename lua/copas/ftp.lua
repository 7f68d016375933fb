-- copas.ftp: LuaSocket's socket.ftp on sockets that wait for the thread that uses them, those for the data, too.
local copas, internal = ...

local socket = internal.load("socket_of_requests")
local ltn12 = require("ltn12")
local url = require("socket.url")
local luasocket = require("socket.ftp")
local controls = internal.load("control_connections", copas, internal, socket, luasocket)

local ftp = internal.load("requests_of", luasocket, { PORT = true, TIMEOUT = true, PASSWORD = true, USER = true })

local implicit_port = 990

-- Gets its data by sockets of ours.
local function connect_data(control)
  control.data = control.try(controls.plain_socket())
  control.data:settimeout(luasocket.TIMEOUT)
  control.try(control.data:connect(control.pasvt.address, control.pasvt.port))
end

-- Changes an object of LuaSocket's for a connection of ours (RFC 4217 for what has to do with TLS).
local function change(control, creator)
  creator.control = control
  if internal.native.running() then control.pasvconnect = connect_data end
  function control.tp.getfd() return -1 end -- each step of a transfer asks select for it, to no effect

  if not creator.tls then return end
  local function demand(code, command, argument)
    control.try(control.tp:command(command, argument))
    control.try(control.tp:check(code))
  end
  local address = control.tp:getpeername() or creator.host -- LuaSec's connections do not know it
  function control.tp.getpeername() return address end
  local login = control.login
  function control:login(user, password)
    if creator.tls == "explicit" then
      demand("234", "auth", "TLS")
      control.try(creator:secure(control.tp.c))
    end
    local logged_in = login(self, user, password)
    demand("2..", "pbsz", "0")
    demand("2..", "prot", "P")
    return logged_in
  end
end

-- A step of a transfer before which the connection for the data is secured: then only is the server ready for that.
local function secured_step(step, creator)
  local secured = false
  return function(source, sink)
    if not secured then
      -- Servers may demand the session of the other connection, which proves that it is the same client.
      local ok, err = creator:secure(creator.control.data, creator.control.tp.c)
      if not ok then return nil, err end
      secured = true
    end
    return step(source, sink)
  end
end

-- What LuaSocket performs of a request, a URL or a table that may have one; nil and an error if it makes no sense.
local function prepare(request)
  local fields, named = {}, type(request) == "string" and request or request.url
  if named then
    fields = url.parse(named, { path = "/", scheme = "ftp" })
    if not fields then return nil, "invalid url" end
  end
  if type(request) == "table" then
    request.create = request.create or controls.plain_socket -- as in Copas
    for name, value in pairs(request) do fields[name] = value end
    setmetatable(fields, getmetatable(request))
  end
  fields.url = nil

  local scheme = (fields.scheme or "ftp"):lower()
  if scheme == "ftps" then
    fields.tls = fields.tls or "implicit"
  elseif scheme ~= "ftp" then
    return nil, ("wrong scheme '%s'"):format(fields.scheme)
  end
  if fields.params and not fields.type then
    local mode = fields.params:match("^type=(.*)$") or fields.params
    local valid = mode == "a" or mode == "i"
    if not valid and type(request) == "string" then return nil, ("invalid type '%s'"):format(mode) end
    fields.type = valid and mode or nil
  end

  local creator = controls.creator(fields, change)
  fields.create = creator
  fields.port = fields.port or creator.tls == "implicit" and implicit_port or luasocket.PORT
  if creator.tls then fields.step = secured_step(fields.step or ltn12.pump.step, creator) end
  return fields
end

---get(url): the content; get{ host =, path =, sink =, ... }: 1
function ftp.get(request)
  local fields, err = prepare(request)
  if not fields then return nil, err end
  if type(request) == "table" then return luasocket.get(fields) end
  local chunks = {}
  fields.sink = ltn12.sink.table(chunks)
  local ok
  ok, err = luasocket.get(fields)
  if not ok then return nil, err end
  return table.concat(chunks)
end

-- ltn12.source.string makes many small pieces.
local function in_one_piece(content)
  local given = false
  return function()
    if given then return nil end
    given = true
    return content
  end
end

---put(url, content), put{ host =, path =, source =, ... }: how many bytes were sent
function ftp.put(request, content)
  local fields, err = prepare(request)
  if not fields then return nil, err end
  if type(request) == "string" then fields.source = in_one_piece(content) end
  return luasocket.put(fields)
end

---command{ host =, command =, argument =, check =, ... }: 1
function ftp.command(request)
  local fields, err = prepare(request)
  if not fields then return nil, err end
  return luasocket.command(fields)
end

---LuaSocket's object for a session step by step, which throws its errors as socket.try does.
function ftp.open(server, port, create)
  return luasocket.open(server, port or luasocket.PORT, controls.creator({ create = create, host = server }, change))
end

return ftp
