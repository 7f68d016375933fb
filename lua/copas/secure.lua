-- How threads secure connections: by our own TLS, or by LuaSec where a context of LuaSec's is given.
local _, internal = ...
local native, foreign = internal.native, internal.foreign

local tls = getmetatable(require("copas.tls")).internal
local functions = tls.functions

local secure = {}

-- Does LuaSec have to carry the connection, because one of the contexts is its?
local function needs_luasec(params, names)
  if type(params) == "userdata" then return not functions.is_context(params) end
  if type(names) ~= "table" then return false end
  for _, context in pairs(names) do
    if type(context) == "userdata" and not functions.is_context(context) then return true end
  end
  return false
end

local function wrap_by_luasec(skt, params)
  if functions.is_context(params) then error("a context of copas.tls cannot serve names by contexts of LuaSec", 0) end
  local ssl = require("ssl")
  local connection, err = ssl.wrap(skt, params)
  if not connection then error(err, 0) end
  connection:settimeout(0)
  return connection
end

-- Gives a connection what the socket had that it takes the place of.
local function succeed(old, connection)
  if not native.is_native(connection) then
    if native.is_native(old) then
      foreign.set_limits(connection, native.limits(old))
    else
      foreign.inherit_limits(connection, old)
    end
  elseif not native.is_native(old) then
    native.set_limits(connection, foreign.limits(old))
  end
  internal.inherit_name(connection, old)
  native.succeed(old, connection)
end

---The connection that carries `skt` from now on; `skt` itself if it is one.
---@param names string|table|nil  what `sni` will be called with
---@param host string?            the peer's name, if its certificate is to be for it
function secure.wrap(skt, params, names, host)
  if internal.is_secured(skt) then return skt end
  if not params then
    error("cannot wrap socket into a secure socket (using 'ssl.wrap()') without parameters/context", 0)
  end
  local connection
  if needs_luasec(params, names) then
    connection = wrap_by_luasec(skt, params)
  else
    local context = tls.context_for(params)
    if host and not (type(params) == "table" and params.verify_host) then host = nil end
    connection = tls.secure(skt, context)
    connection:settimeout(0)
    if type(params) == "table" and type(params.verify_host) == "string" then host = params.verify_host end
    if host and functions.is_context(context) == "client" then functions.expect(connection, host) end
  end
  succeed(skt, connection)
  return connection
end

---Raises what can never work with parameters of a server in their normal form.
function secure.check_server(params)
  local wrap, sni = params.wrap, params.sni
  if type(wrap) == "table" then
    local fault = tls.fault_of(wrap)
    if fault then error(fault, 0) end
  elseif wrap and type(wrap) ~= "userdata" then
    error("invalid context", 0)
  end
  if not sni then return end
  if type(sni) ~= "table" then
    error(("bad TLS parameter 'sni' (table expected, got %s)"):format(type(sni)), 0)
  end
  local names = sni.names
  if names == nil or type(wrap) == "table" and wrap.mode == "client" then return end
  if type(names) ~= "table" then
    error(("bad TLS parameter 'sni.names' (table expected, got %s)"):format(type(names)), 0)
  end
  for name, context in pairs(names) do
    if type(context) ~= "userdata" then
      error(("bad TLS parameter 'sni.names' (context expected for '%s', got %s)"):format(tostring(name),
        type(context)), 0)
    end
  end
end

---Shakes hands: true; nil and a word if the time is over; false and the reason if it fails.
function secure.shake_hands(connection)
  if not native.is_native(connection) then return foreign.shake_hands(connection) end
  while true do
    local ok, err = native.handshake(connection)
    if ok ~= "protocols" then return ok, err end
    tls.choose_protocol(connection)
  end
end

return secure
