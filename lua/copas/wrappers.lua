-- copas.wrap: sockets whose methods wait for the thread that calls them.
local copas, internal = ...
local native, foreign = internal.native, internal.foreign

local function metatable_of(methods)
  return {
    __index = methods,
    __tostring = function(self) return tostring(self.socket) .. " (copas wrapped)" end,
  }
end

-- Methods of wrapped sockets.
local stream, datagram = {}, {}
local stream_metatable, datagram_metatable = metatable_of(stream), metatable_of(datagram)

---Is it the result of copas.wrap?
local function is_wrapper(object)
  if type(object) ~= "table" then return false end
  local metatable = getmetatable(object)
  return metatable == stream_metatable or metatable == datagram_metatable
end
internal.is_wrapper = is_wrapper

local params_metatable = {
  __index = function(_, key) error("accessing unknown 'ssl_params' table key: " .. tostring(key), 2) end,
}

-- TLS parameters, in the one form that everything else reads.
local function normalise(params)
  local normal
  if type(params) == "table" and (params.mode or params.protocol) then
    normal = { wrap = params, sni = false }
  elseif type(params) == "table" then
    normal = { wrap = params.wrap or false, sni = params.sni or false }
  elseif type(params) == "userdata" then
    normal = { wrap = params, sni = false }
  else
    error("ssl parameters; did not expect type " .. tostring(params), 3)
  end
  return setmetatable(normal, params_metatable)
end

-- What all sockets without TLS parameters share.
local no_params = setmetatable({}, {
  __index = function(_, key)
    if key == "wrap" or key == "sni" then return false end
    return params_metatable.__index(nil, key)
  end,
  __newindex = function() error("this socket was wrapped without TLS parameters", 2) end,
})

function copas.wrap(skt, sslparams)
  if is_wrapper(skt) then return skt end
  foreign.check(skt, 1)
  skt:settimeout(0)
  if internal.is_datagram(skt) then return setmetatable({ socket = skt }, datagram_metatable) end
  return setmetatable({ socket = skt, ssl_params = sslparams ~= nil and normalise(sslparams) or nil }, stream_metatable)
end

-- A method that takes the native fast path if it can: unless the socket is another one, or somebody has replaced the
-- module's function that does the same. `slow` is for those; it gets the raw socket. What costs the least differs: a C
-- function that looks at the wrapper itself, where it can call `slow`; elsewhere a Lua function that does the looking
-- and calls `direct`, which native.direct knows.
local function method(name, direct, slow)
  if native.calls_lua then
    return native.method(name, function(self, ...) return slow(self.socket, ...) end, copas)
  end
  return internal.with_fallback(native.direct(direct), slow, name)
end

stream.ssl_params = no_params

stream.receive = method("receive", "receive for wrapper", function(raw, pattern, prefix)
  if not native.is_native(raw) and foreign.receive_limit(raw) == 0 then
    return copas.receivepartial(raw, pattern, prefix)
  end
  return copas.receive(raw, pattern, prefix)
end)

stream.receivepartial = method("receivepartial", "receivepartial", function(...) return copas.receivepartial(...) end)

stream.send = method("send", "send", function(...) return copas.send(...) end)

local peers = setmetatable({}, { __mode = "k" }) -- the hosts that wrapped sockets were connected to, for verify_host

function stream:connect(host, port)
  local ok, err = copas.connect(self.socket, host, port)
  local params = self.ssl_params
  if not ok or not (params.wrap or params.sni) then return ok, err end
  peers[self] = host
  if params.sni then self:sni() end -- an error, rather than clear text, if there is nothing to secure it with
  if not params.wrap then return ok, err end
  local secured
  secured, err = self:dohandshake()
  return secured, err
end

-- Secures the connection if it is not secured yet.
local function secure(self, params, names)
  local raw = self.socket
  if native.is_secured(raw) then return raw end
  local ok, connection = foreign.pcall(internal.secure, raw, params, names, peers[self])
  if not ok then error(native.where() .. tostring(connection), 0) end
  self.socket = connection
  return connection
end

---Names the peer that is wanted; for a server: the contexts by name, and whether to refuse other names.
function stream:sni(names, strict)
  local params = self.ssl_params
  if names == nil and params.sni then names, strict = params.sni.names, params.sni.strict end
  local connection = secure(self, params.wrap, names)
  if connection:getfd() < 0 then return end -- a closed one of LuaSec's would end the process
  return connection:sni(names, strict)
end

---Shakes hands: the wrapped socket; nil and a word if the time is over; raises an error if it fails.
function stream:dohandshake(params)
  secure(self, params or self.ssl_params.wrap) -- whatever happens then, nothing goes out in clear
  local connection, err = copas.dohandshake(self.socket)
  if not connection then return nil, err end
  self.socket = connection
  return self
end

-- The result of a method that only secured connections have.
local function ask(self, name)
  local raw = self.socket
  if not internal.is_secured(raw) then return nil, "not a tls socket" end
  if raw:getfd() < 0 then return nil, nil end
  return raw[name](raw), nil
end

function stream:getalpn()
  local protocol, err = ask(self, "getalpn")
  return protocol, err
end

function stream:getsniname()
  local name, err = ask(self, "getsniname")
  return name, err
end

function stream:close(...) return copas.close(self.socket, ...) end
function stream:settimeout(timeout) return copas.settimeout(self.socket, timeout) end
function stream:settimeouts(connect, send, read) return copas.settimeouts(self.socket, connect, send, read) end
function stream:flush() return copas.flush(self.socket) end

for _, name in ipairs { "bind", "listen", "accept", "shutdown", "getstats", "setstats", "getfd", "dirty" } do
  stream[name] = function(self, ...)
    local raw = self.socket
    return raw[name](raw, ...)
  end
end

local not_implemented = "not implemented by LuaSec"

-- Calls a method that raw sockets of some kinds lack or throw from, which counts as a failure.
local function attempt(self, name, ...)
  local raw = self.socket
  local ok, first, second, third = pcall(raw[name], raw, ...)
  if not ok then return nil, not_implemented end
  return first, second, third
end

function stream:getsockname()
  local ip, port, family = attempt(self, "getsockname")
  return ip, port, family
end

function stream:getpeername()
  local ip, port, family = attempt(self, "getpeername")
  return ip, port, family
end

function stream:getoption(...)
  local value, err = attempt(self, "getoption", ...)
  return value, err
end

function stream:setoption(...)
  local ok, err = attempt(self, "setoption", ...)
  return ok, err
end

-- A socket for datagrams has the same methods, though it lacks what some of them call, but for these.
for name, shared in pairs(stream) do datagram[name] = shared end
datagram.ssl_params = nil

function datagram:receive(size) return copas.receive(self.socket, size or foreign.datagram_size) end
datagram.receivepartial = datagram.receive
function datagram:receivefrom(size) return copas.receivefrom(self.socket, size or foreign.datagram_size) end

for _, name in ipairs { "send", "sendto", "setpeername", "setsockname" } do
  datagram[name] = function(self, ...)
    local raw = self.socket
    return raw[name](raw, ...)
  end
end

---Does nothing: the socket is the server's, too.
function datagram.close() return true end

local handler_params = setmetatable({}, { __mode = "k" }) -- the TLS parameters of handlers made by copas.handler

---Raises what can never work with the TLS parameters of a handler; those of the moment, for they are read anew for each
---connection.
function internal.check_handler(handler)
  local given = handler_params[handler]
  if given == nil then return end
  local params = normalise(given)
  if params.wrap or params.sni then internal.check_secure_server(params) end
end

---Wraps a handler so that it gets a wrapped socket.
function copas.handler(fn, sslparams)
  local function handler(skt, ...)
    local wrapped = copas.wrap(skt, sslparams)
    local own = rawget(wrapped, "ssl_params")
    local params = own -- also of a socket that was wrapped before
    if sslparams ~= nil and (wrapped == skt or not own) then params = normalise(sslparams) end
    if params and not wrapped.ssl_params and (params.wrap or params.sni) then
      error("TLS needs a stream, not a socket for datagrams", 0)
    end
    if params and wrapped.ssl_params then
      if params.sni then
        if own == nil then wrapped.ssl_params = params end
        wrapped:sni(params.sni.names, params.sni.strict)
      end
      if params.wrap then
        local secured, err = wrapped:dohandshake(params.wrap)
        if not secured then
          wrapped:close()
          error("TLS/SSL handshake failed: " .. tostring(err), 0)
        end
      end
    end
    return fn(wrapped, ...)
  end
  handler_params[handler] = sslparams
  return handler
end
