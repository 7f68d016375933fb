-- Servers that come and go, threads that are removed, and a busy connection that starves nobody.
local copas = require("copas")
local socket = require("socket")

-- removeserver, also with the socket kept open for another time.
do
  local server = assert(socket.bind("127.0.0.1", 0))
  local _, port = server:getsockname()
  local connections = 0
  local function serve(skt)
    connections = connections + 1
    copas.wrap(skt):send("welcome\n")
  end
  copas.addserver(server, serve)
  copas.loop(function()
    local function visit()
      local skt = copas.wrap(socket.tcp())
      skt:settimeout(5)
      assert(skt:connect("127.0.0.1", port))
      assert(skt:receive() == "welcome")
      skt:close()
    end
    visit()
    assert(copas.removeserver(server, true) == true)
    assert(server:getfd() >= 0)
    copas.addserver(server, serve)
    visit()
    assert(copas.removeserver(server) == 1)
    assert(connections == 2)
  end)
end

-- removethread: whatever the thread waits for, the loop does not.
do
  local server = assert(socket.bind("127.0.0.1", 0))
  local reached = false
  local function unreachable() reached = true end
  local threads = {
    copas.addthread(function()
      copas.pause(1000)
      unreachable()
    end),
    copas.addthread(function()
      server:settimeout(0)
      copas.receive(assert(server), 1)
      unreachable()
    end),
    copas.addthread(function()
      local udp = socket.udp()
      udp:setsockname("127.0.0.1", 0)
      udp:settimeout(0)
      copas.receivefrom(udp)
      unreachable()
    end),
  }
  copas.removethread(threads[2]) -- before it starts: receiving from a server would be an error
  local start = copas.gettime()
  copas.loop(function()
    copas.pause(0.01)
    for _, co in ipairs(threads) do copas.removethread(co) end
    local never = copas.addthread(unreachable)
    copas.removethread(never)
    copas.removethread(never)
  end)
  assert(not reached)
  assert(copas.gettime() - start < 60)
  server:close()
end

-- A connection that is always ready does not keep others from their turn.
do
  local server = assert(socket.bind("127.0.0.1", 0))
  local _, port = server:getsockname()
  local stop, ticks = false, 0
  copas.addserver(server, copas.handler(function(skt)
    while not stop do
      if not skt:send(("x"):rep(1000)) then break end
    end
  end))
  copas.loop(function()
    copas.addthread(function()
      local skt = copas.wrap(socket.tcp())
      assert(skt:connect("127.0.0.1", port))
      while not stop do assert(skt:receive(1)) end
      skt:close()
    end)
    local start = copas.gettime()
    for _ = 1, 10 do
      copas.pause(0.005)
      ticks = ticks + 1
    end
    assert(copas.gettime() - start < 10)
    stop = true
    copas.removeserver(server)
  end)
  assert(ticks == 10)
end

-- A wake-up at the right time, and none at the wrong one.
copas.loop(function()
  local slept
  local sleeper = copas.addthread(function() slept = copas.pauseforever() end)
  copas.pause(0.01)
  assert(copas.status().inactive == 1)
  copas.wakeup(sleeper)
  copas.wakeup(sleeper)
  copas.pause()
  assert(slept >= 0.009)
  copas.wakeup(sleeper) -- it is gone
  copas.wakeup(nil)
end)
print("ok")
