-- The operations on raw sockets: native ones directly, all others by way of foreign.lua.
local copas, internal = ...
local native, foreign = internal.native, internal.foreign

---Is a raw socket one for datagrams?
function internal.is_datagram(skt)
  local kind = native.kind(skt)
  if kind then return kind == "datagram" end
  return foreign.is_datagram(skt)
end

---Is a raw socket a TLS connection, of whatever library?
function internal.is_secured(skt)
  local secured = native.is_secured(skt)
  if secured == nil then secured = tostring(skt):sub(1, 3) == "SSL" end
  return secured
end

-- A function that calls `slow` where `fast` finds no native socket, for Luas in which `fast` cannot do that itself.
-- With `replaceable`, the name of a function of the module, it is a method of wrapped sockets, and calls `slow` where
-- somebody has replaced that function, too. Few arguments are passed on as few: that is what costs the least, as does
-- one function in place of two that call each other.
function internal.with_fallback(fast, slow, replaceable)
  local not_native = native.foreign
  local original = replaceable and copas[replaceable]
  return function(skt, a, b, c)
    if original then
      skt = skt.socket
      if copas[replaceable] ~= original then return slow(skt, a, b, c) end
    end
    local first, second, third
    if b ~= nil or c ~= nil then
      first, second, third = fast(skt, a, b, c)
    elseif a ~= nil then
      first, second, third = fast(skt, a)
    else
      first, second, third = fast(skt)
    end
    if first == not_native then return slow(skt, a, b, c) end
    return first, second, third
  end
end

-- A function of the module that tries `native.direct` first.
local function operation(name)
  local function slow(...) return foreign[name](...) end -- looked up late: foreign.lua is loaded when it is needed
  local fast = native.direct(name, slow)
  if native.calls_lua then return fast end
  return internal.with_fallback(fast, slow)
end

copas.receive = operation("receive")
copas.receivepartial = operation("receivepartial")
copas.receivePartial = copas.receivepartial -- the older spelling
copas.receivefrom = operation("receivefrom")
copas.send = operation("send")

local receive, receivepartial = copas.receive, copas.receivepartial

---Is receiving what it was, and not replaced by somebody who wants to see it?
function internal.receives_directly()
  return copas.receive == receive and copas.receivepartial == receivepartial
end

-- Waits for the look-up of a name only: sending does not wait, as in Copas.
function copas.sendto(skt, data, ip, port)
  foreign.check(skt, 1)
  return skt:sendto(data, ip, port)
end

function copas.connect(skt, host, port)
  foreign.check(skt, 1)
  if native.kind(skt) ~= "stream" then return foreign.connect(skt, host, port) end
  local ok, err = native.connect(skt, host, port)
  if ok then native.connected(skt) end
  return ok, err
end

function copas.close(skt, ...)
  foreign.check(skt, 1)
  if native.is_native(skt) then return skt:close() end
  return foreign.close(skt, ...)
end

-- TLS is loaded when it is needed first.
local secure
local function secured(name)
  return function(...)
    secure = secure or internal.load("secure", copas, internal)
    return secure[name](...)
  end
end
local wrap, shake_hands = secured("wrap"), secured("shake_hands")
internal.secure = wrap
internal.check_secure_server = secured("check_server")

---Shakes hands over a connection, which is secured first if it is not: the connection, or nil and a word for a timeout.
function copas.dohandshake(skt, params)
  local connection = skt
  if not native.is_secured(skt) then
    foreign.check(skt, 1)
    local ok
    ok, connection = foreign.pcall(wrap, internal.raw(skt), params)
    if not ok then error(native.where() .. tostring(connection), 0) end
  end
  local done, err = shake_hands(connection)
  if done then return connection end
  if done == nil then return nil, err end
  error(native.where() .. "TLS/SSL handshake failed: " .. tostring(err), 0)
end

-- Sends what is held back to leave together with what the thread sends next.
function copas.flush() native.flush() end

local function set_limits(skt, ...)
  foreign.check(skt, 1)
  skt = internal.raw(skt)
  if native.is_native(skt) then
    native.set_limits(skt, ...)
  else
    foreign.set_limits(skt, ...)
  end
  return true
end

function copas.settimeout(skt, timeout)
  if timeout ~= nil and type(timeout) ~= "number" then return nil, "timeout must be 'nil' or a number" end
  timeout = timeout or -1
  return set_limits(skt, timeout, timeout, timeout)
end

local function wrong_limit(name, value)
  if value ~= nil and type(value) ~= "number" then return name .. " timeout must be 'nil' or a number" end
end

function copas.settimeouts(skt, connect, send, read)
  local err = wrong_limit("connect", connect) or wrong_limit("send", send) or wrong_limit("read", read)
  if err then return nil, err end
  return set_limits(skt, connect, send, read)
end

---Whether the calling thread gets the words of the library below, instead of "timeout", when its time is over.
function copas.useSocketTimeoutErrors(wanted)
  native.own_words(not not wanted)
end
copas.usesockettimeouterrors = copas.useSocketTimeoutErrors -- as the manual spells it
