-- The socket module: LuaSocket's interface on native sockets.
local native, load = ...

local try = load("try", nil, load("waiting_pcall"), load("debug_functions"))

local socket = {
  BLOCKSIZE = 2048,
  _DATAGRAMSIZE = 8192,
  _SETSIZE = 1048576, -- of select, which uses poll(2) and knows no limit
  _SOCKETINVALID = -1,
  _VERSION = "LuaSocket 3.1.0",
  sourcet = {},
  sinkt = {},
}
for name, value in pairs(native) do socket[name] = value end
for name, value in pairs(try) do socket[name] = value end
socket.dns = load("dns", native.dns)

local families = { unspec = true, inet = true, inet6 = true }

-- Calls `use` with a socket for each address of `host`, in order, until it returns no error.
local function with_each_address(host, family, use)
  local addresses, err = socket.dns.getaddrinfo(host)
  if not addresses then return nil, err end
  err = "no info on address"
  for _, address in ipairs(addresses) do
    if family == "unspec" or family == address.family then
      local skt
      skt, err = (address.family == "inet6" and socket.tcp6 or socket.tcp4)()
      if skt then
        local ok
        ok, err = use(skt, address.addr)
        if ok then return skt end
        skt:close()
      end
    end
  end
  return nil, err
end

---Listens at the first address of `host` that can be had.
function socket.bind(host, port, backlog)
  if host == "*" then host = "0.0.0.0" end
  return with_each_address(host, "unspec", function(skt, address)
    skt:setoption("reuseaddr", true)
    local ok, err = skt:bind(address, port)
    if not ok then return nil, err end
    return skt:listen(backlog)
  end)
end

---Connects to the first address of `host` that accepts.
---@param lhost string?   address to connect from
---@param lport integer?  port to connect from
---@param family "unspec"|"inet"|"inet6"|nil
function socket.connect(host, port, lhost, lport, family)
  if family ~= nil and not families[family] then
    error(("bad argument #5 to 'connect' (invalid option '%s')"):format(tostring(family)), 2)
  end
  return with_each_address(host, family or "unspec", function(skt, address)
    if lhost then
      local ok, err = skt:bind(lhost, lport or 0)
      if not ok then return nil, err end
    end
    return skt:connect(address, port)
  end)
end

function socket.connect4(host, port, lhost, lport)
  return socket.connect(host, port, lhost, lport, "inet")
end

function socket.connect6(host, port, lhost, lport)
  return socket.connect(host, port, lhost, lport, "inet6")
end

---A function that picks one of several by the name in its first argument.
function socket.choose(functions)
  return function(name, first, second)
    if type(name) ~= "string" then name, first, second = "default", name, first end
    local chosen = functions[name or "nil"]
    if not chosen then error("unknown key (" .. tostring(name) .. ")", 3) end
    return chosen(first, second)
  end
end

local function getfd(skt) return function() return skt:getfd() end end
local function dirty(skt) return function() return skt:dirty() end end

-- Sinks and sources are callable tables that select() accepts.
local function stream_end(skt, call)
  return setmetatable({ getfd = getfd(skt), dirty = dirty(skt) }, { __call = call })
end

socket.sinkt["close-when-done"] = function(skt)
  return stream_end(skt, function(_, chunk)
    if chunk then return skt:send(chunk) end
    skt:close()
    return 1
  end)
end

socket.sinkt["keep-open"] = function(skt)
  return stream_end(skt, function(_, chunk)
    if chunk then return skt:send(chunk) end
    return 1
  end)
end

socket.sinkt["default"] = socket.sinkt["keep-open"]
socket.sink = socket.choose(socket.sinkt)

socket.sourcet["by-length"] = function(skt, length)
  return stream_end(skt, function()
    if length <= 0 then return nil end
    local chunk, err = skt:receive(math.min(socket.BLOCKSIZE, length))
    if not chunk then return nil, err end
    length = length - #chunk
    return chunk
  end)
end

socket.sourcet["until-closed"] = function(skt)
  local ended = false
  return stream_end(skt, function()
    if ended then return nil end
    local chunk, err, partial = skt:receive(socket.BLOCKSIZE)
    if chunk then return chunk end
    if err ~= "closed" then return nil, err end
    skt:close()
    ended = true
    return partial
  end)
end

socket.sourcet["default"] = socket.sourcet["until-closed"]
socket.source = socket.choose(socket.sourcet)

function socket.__unload() return 1 end

return socket
