-- Objects that are no sockets but have their methods: dummies, proxies, the proxy of copas.debug.
local copas = require("copas")
local socket = require("socket")

-- A dummy that answers at once.
local calls = {}
local dummy = {
  receive = function(_, pattern, prefix)
    calls[#calls + 1] = tostring(pattern) .. "/" .. tostring(prefix)
    return "a line", nil, nil
  end,
  send = function(_, data, i, j)
    calls[#calls + 1] = ("%s/%s/%s"):format(tostring(data), tostring(i), tostring(j))
  end,
  close = function(_, ...) return "closed it", ... end,
}

-- A proxy that counts bytes and passes everything else on.
local function counting(original)
  local proxy = { sent = 0, received = 0 }
  function proxy.send(_, ...)
    local last, err, partial = original:send(...)
    proxy.sent = proxy.sent + 1
    return last, err, partial
  end
  function proxy.receive(_, ...)
    proxy.received = proxy.received + 1
    return original:receive(...)
  end
  return setmetatable(proxy, {
    __index = function(_, name)
      local method = original[name]
      return type(method) == "function" and function(_, ...) return method(original, ...) end or method
    end,
    __tostring = function() return tostring(original) end,
  })
end

local server = assert(socket.bind("127.0.0.1", 0))
local _, port = server:getsockname()
copas.addserver(server, copas.handler(function(skt)
  local line = skt:receive()
  copas.pause(0.002)
  skt:send(line:reverse() .. "\n")
end))

copas.loop(function()
  local line, err, partial = copas.receive(dummy)
  assert(line == "a line" and err == nil and partial == nil)
  assert(calls[1] == "*l/nil", calls[1])
  copas.receive(dummy, 5, "xy")
  assert(calls[2] == "5/xy")
  assert(select("#", copas.send(dummy, "data")) == 3)
  assert(calls[3] == "data/1/nil")
  assert(select("#", copas.send(dummy, nil)) == 3)
  assert(select(2, copas.close(dummy, "reason")) == "reason")

  local proxy = counting(socket.tcp())
  local skt = copas.wrap(proxy)
  assert(skt:connect("127.0.0.1", port))
  assert(skt:send("proxied\n") == 8)
  assert(skt:receive() == "deixorp")
  assert(proxy.sent == 1 and proxy.received >= 1)
  assert(skt:close() == 1)

  local lines = {}
  local real_print = print
  print = function(text) lines[#lines + 1] = text end -- luacheck: ignore (programs do)
  local debugged = copas.debug.socket(socket.tcp())
  skt = copas.wrap(debugged)
  local ok, why = skt:connect("127.0.0.1", port)
  if ok then skt:send("debugged\n") end
  local answer = skt:receive()
  skt:close()
  print = real_print -- luacheck: ignore
  assert(ok, why)
  assert(answer == "deggubed", answer)
  local all = table.concat(lines, "\n")
  assert(all:find("calling 'send' with; ", 1, true), all)
  assert(all:find("results 'receive' returned; ", 1, true))
  assert(type(debugged.__original_socket) == "userdata")
  copas.removeserver(server)
end)
print("ok")
