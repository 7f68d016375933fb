-- The connections on which copas.ftp and copas.smtp give their commands. Modules of LuaSocket open and use them; what
-- is changed in them is changed before anything is said.
local copas, internal, socket, luasocket = ...

local controls = {}

-- LuaSocket's modules open connections by their function `open`, whose argument `create` may be one of ours.
local getinfo = internal.debug.getinfo
local this_file = getinfo(1, "S").source
if getinfo(luasocket.open, "S").source ~= this_file then -- else an earlier instance has done it
  local open = luasocket.open
  function luasocket.open(server, port, create)
    local control = open(server, port, create)
    if type(create) == "table" and create.adapt then create:adapt(control) end
    return control
  end
end

local function plain_socket()
  local skt, err = socket.tcp()
  if not skt then return nil, err end
  return copas.wrap(skt)
end
controls.plain_socket = plain_socket

-- TLS 1.2 or newer; by the authorities of the system, and for the host: as copas.http, where the caller says nothing.
local function fill(given, host)
  if type(given) ~= "table" then return given end
  local params = {}
  for name, value in pairs(given) do params[name] = value end
  params.mode = "client"
  params.protocol = params.protocol or "any"
  params.options = params.options or { "all", "no_sslv2", "no_sslv3", "no_tlsv1", "no_tlsv1_1" }
  if params.verify == nil then
    params.verify = "peer"
    params.verify_host = host
    params.default_trust = not params.cafile and not params.capath or nil
  elseif params.verify_host == true then
    params.verify_host = host
  end
  return params
end

-- Takes up the session of another connection, where both are by our own TLS.
local function resume(skt, earlier)
  local native = internal.native
  if not native.is_native(skt.socket) or not native.is_native(earlier.socket) then return end
  getmetatable(require("copas.tls")).internal.functions.resume(skt.socket, earlier.socket)
end

-- Shakes hands over a connection: true; or nil and an error.
local function secure(skt, given, host, earlier)
  local names = host
  if type(given) == "table" and (given.wrap or given.sni) then
    names = given.sni and given.sni.names or host
    given = given.wrap or {}
  end
  local ok, secured, err = internal.pcall(function()
    skt.ssl_params = { wrap = fill(given, host), sni = { names = names } }
    skt:sni()
    if earlier then resume(skt, earlier) end
    return skt:dohandshake()
  end)
  if not ok then return nil, tostring(secured):match("TLS/SSL handshake failed.*") or secured end
  return secured and true, err
end

-- What LuaSocket takes for `create`: makes the socket of a request, with TLS if the request wants it.
local creator = {}
creator.__index = creator

function creator:__call()
  local skt, err = self.make()
  if not skt or not self.tls then return skt, err end
  skt = copas.wrap(skt)
  if self.tls == "implicit" then
    local connect = skt.connect
    skt.connect = function(connecting, host, port)
      local ok, why = connect(connecting, host, port)
      if not ok then return nil, why end
      return self:secure(connecting)
    end
  end
  return skt
end

---Shakes hands over a connection, if the request wants TLS: true; or nil and an error.
---@param earlier table?  another connection with the same peer, whose session is taken up
function creator:secure(skt, earlier)
  if not self.tls then return true end
  return secure(copas.wrap(skt), self.sslparams or {}, self.host, earlier)
end

function creator:adapt(control)
  local tp = control.tp
  local command = tp.command
  function tp.command(connection, name, argument) -- what is in it must not be read as further commands
    if (name .. (argument or "")):find("[%z\r\n]") then return nil, "line break in a command" end
    return command(connection, name, argument)
  end
  return self.change(control, self)
end

---What is to be the `create` of a request that LuaSocket performs.
---@param request table  `create`, `tls`, `sslparams` as users give them, `host`
---@param change fun(control: table, creator: table)  changes the object that LuaSocket makes of the connection
function controls.creator(request, change)
  local tls = request.tls or request.sslparams and "explicit" or nil
  if tls and tls ~= "explicit" and tls ~= "implicit" then
    local wrong = "%sexpected 'tls' to be \"explicit\" or \"implicit\", got: %s"
    error(wrong:format(internal.native.where(), tostring(tls)), 0)
  end
  return setmetatable({
    make = request.create or plain_socket,
    tls = tls,
    sslparams = request.sslparams,
    host = request.host,
    change = change,
  }, creator)
end

return controls
