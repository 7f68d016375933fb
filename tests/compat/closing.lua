-- Threads that wait for sockets which another thread closes: a connection, a server, datagrams.
local copas = require("copas")
local socket = require("socket")

local server = assert(socket.bind("127.0.0.1", 0))
local _, port = server:getsockname()
local ended = {}

copas.addserver(server, copas.handler(function(client)
  local data, err, partial = client:receive(100) -- more than will ever come
  ended.server = { data, err, partial }
end), "closing")

local udp = assert(socket.udp())
assert(udp:setsockname("127.0.0.1", 0))
copas.addthread(function()
  local data, err = copas.wrap(udp):receivefrom()
  ended.udp = { data, err }
end)

copas.loop(function()
  local client = copas.wrap(socket.tcp())
  assert(client:connect("127.0.0.1", port))
  assert(client:send("partial"))

  local readers = 0
  for _ = 1, 3 do
    copas.addthread(function()
      local data, err = client:receive()
      assert(data == nil and err == "closed", err)
      readers = readers + 1
    end)
  end
  copas.pause(0.01)
  assert(client:close() == 1)
  assert(client:close() == 1) -- once more does no harm
  assert(readers == 0) -- the closing thread goes on first
  local data, err = client:receive()
  assert(data == nil and err == "closed")
  data, err = client:send("x")
  assert(data == nil and err == "closed")
  copas.pause(0.01)
  assert(readers == 3)
  assert(ended.server[1] == nil and ended.server[2] == "closed" and ended.server[3] == "partial")

  copas.close(udp)
  copas.pause()
  assert(ended.udp[1] == nil and ended.udp[2] == "closed")

  copas.removeserver(server)
  local late = copas.wrap(socket.tcp())
  local ok, why = late:connect("127.0.0.1", port)
  assert(ok == nil and why == "connection refused", why)
end)

assert(copas.finished())
print("ok")
