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

-- A method that takes the native fast path if it can.
local function method(name, slow)
  local fast = native.method(name, slow, copas, copas[name])
  if native.calls_lua then return fast end
  return internal.with_fallback(fast, slow)
end

stream.ssl_params = no_params

stream.receive = method("receive", function(self, pattern, prefix)
  if not native.is_native(self.socket) and foreign.receive_limit(self.socket) == 0 then
    return copas.receivepartial(self.socket, pattern, prefix)
  end
  return copas.receive(self.socket, pattern, prefix)
end)

stream.receivepartial = method("receivepartial", function(self, pattern, prefix)
  return copas.receivepartial(self.socket, pattern, prefix)
end)

stream.send = method("send", function(self, data, i, j) return copas.send(self.socket, data, i, j) end)

-- What asks for TLS must not go on in clear.
local function refuse_tls(params)
  if params and (params.wrap or params.sni) then error("TLS is not available in this version", 3) end
end

function stream:connect(host, port)
  refuse_tls(self.ssl_params)
  return copas.connect(self.socket, host, port)
end
function stream:close(...) return copas.close(self.socket, ...) end
function stream:settimeout(timeout) return copas.settimeout(self.socket, timeout) end
function stream:settimeouts(connect, send, read) return copas.settimeouts(self.socket, connect, send, read) end
function stream.flush() end

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
  local ok, first, second, third = pcall(function(...) return raw[name](raw, ...) end, ...)
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

---Wraps a handler so that it gets a wrapped socket.
function copas.handler(fn, sslparams)
  return function(skt, ...)
    local wrapped = copas.wrap(skt, sslparams)
    refuse_tls(wrapped.ssl_params or sslparams ~= nil and normalise(sslparams))
    return fn(wrapped, ...)
  end
end
