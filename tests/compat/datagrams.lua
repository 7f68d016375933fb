-- Servers and clients for datagrams.
local copas = require("copas")
local socket = require("socket")

local server = assert(socket.udp())
assert(server:setsockname("127.0.0.1", 0))
local _, port = server:getsockname()
local started = false

copas.addserver(server, function(skt)
  started = copas.getthreadname()
  skt = copas.wrap(skt)
  while true do
    local data, ip, from = skt:receivefrom(2048)
    if not data then return end
    skt:sendto(data:upper(), ip, from)
  end
end, nil, "echo")
assert(started == "echo:handler") -- it runs until its first wait at once

copas.loop(function()
  -- Connected.
  local client = copas.wrap(socket.udp())
  assert(client:setpeername("127.0.0.1", port))
  client:settimeout(5)
  for turn = 1, 5 do
    assert(client:send("message " .. turn))
    local answer = assert(client:receive())
    assert(answer == "MESSAGE " .. turn)
  end
  assert(client:close() == true)
  assert(client.socket:getfd() >= 0) -- nothing was closed
  client.socket:close()

  -- Not connected, raw.
  local raw = assert(socket.udp())
  raw:settimeout(0)
  assert(copas.sendto(raw, "raw", "127.0.0.1", port) == 3)
  local data, ip, from = copas.receivefrom(raw)
  assert(data == "RAW" and ip == "127.0.0.1" and tonumber(from) == tonumber(port))
  assert(raw:sendto("", "127.0.0.1", port) == 0)
  data = copas.receivefrom(raw)
  assert(data == "")
  copas.settimeout(raw, 0.01)
  local nothing, err = copas.receivefrom(raw)
  assert(nothing == nil and err == "timeout")
  raw:close()

  assert(copas.removeserver(server) == 1)
end)
print("ok")
