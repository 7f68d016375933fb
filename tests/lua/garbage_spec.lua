local loop = require("support.loop")
local sockets = require("support.sockets")

describe("what nobody refers to any more", function()
  local copas, socket, weak

  before_each(function()
    copas = loop.fresh()
    socket = require("copas.socket")
    weak = setmetatable({}, { __mode = "k" })
  end)

  local function count()
    loop.collect()
    local found = 0
    for _ in pairs(weak) do found = found + 1 end
    return found
  end

  -- A function with something that is collected with it.
  local function tracked(body)
    local token = {}
    weak[token] = true
    return function(...)
      body(...)
      return token
    end
  end

  it("is collected: threads that have ended", function()
    for _ = 1, 3 do
      weak[copas.addthread(tracked(function() copas.pause() end))] = true
    end
    copas.loop()

    assert.equal(0, count())
  end)

  it("is collected while the loop runs", function()
    local left
    loop.run(copas, function()
      copas.addthread(tracked(function() copas.pause() end))
      copas.pause()
      copas.pause()
      copas.pause()
      left = count()
    end)

    assert.equal(0, left)
  end)

  it("is collected: threads that failed", function()
    copas.seterrorhandler(function() end, true)
    copas.addthread(tracked(function() error({}) end))
    copas.loop()

    assert.equal(0, count())
  end)

  it("is collected: threads that were removed asleep, or before they started", function()
    local sleeper = copas.addthread(tracked(function() copas.pause(3600) end))
    weak[sleeper] = true
    copas.step(0)
    local unborn = copas.addthread(tracked(function() end))
    weak[unborn] = true
    copas.removethread(sleeper)
    copas.removethread(unborn)
    sleeper, unborn = nil, nil -- luacheck: ignore

    assert.equal(0, count())
  end)

  it("is collected: threads that were removed from a socket", function()
    local server = sockets.pair(socket)
    local reader = copas.addthread(tracked(function() copas.receive(server) end))
    weak[reader] = true
    copas.step(0)
    copas.removethread(reader)
    reader = nil -- luacheck: ignore

    assert.equal(0, count())
  end)

  it("is collected: threads that sleep for ever", function()
    weak[copas.addthread(tracked(function() copas.pauseforever() end))] = true
    weak[copas.addnamedthread("name", tracked(function()
      copas.seterrorhandler(function() end)
      copas.sleep(-1)
    end))] = true
    copas.step(0)

    assert.equal(0, count())
    copas.loop()
  end)

  it("is collected: threads that sleep for ever and hold themselves", function()
    copas.addthread(tracked(function()
      local me = coroutine.running()
      copas.pauseforever()
      return me
    end))
    copas.step(0)

    assert.equal(0, count())
  end)

  it("is not collected if it sleeps for ever and somebody can wake it", function()
    local awake
    local co = copas.addthread(function()
      copas.pauseforever()
      awake = true
    end)
    copas.step(0)
    loop.collect()
    copas.wakeup(co)
    copas.step(0)

    assert.is_true(awake)
  end)

  it("is not collected if it waits for time or for a socket", function()
    local done = 0
    local server, client = sockets.pair(socket)
    copas.addthread(function()
      copas.pause(0.01)
      done = done + 1
    end)
    copas.addthread(function()
      copas.receive(server)
      done = done + 1
    end)
    copas.step(0)
    loop.collect()
    client:send("line\n")
    copas.loop()

    assert.equal(2, done)
  end)

  it("is collected: callbacks of timeouts that were called, replaced or cancelled", function()
    copas.addthread(function()
      copas.timeout(0.001, tracked(function() end))
      copas.pause(0.01)
      copas.timeout(3600, tracked(function() end))
      copas.timeout(3600, tracked(function() end))
      copas.timeout(0)
    end)
    copas.loop()

    assert.equal(0, count())
  end)

  it("is collected: wrappers that were used and closed", function()
    loop.run(copas, function()
      local server, client = sockets.pair(socket)
      local wrapper = copas.wrap(server)
      weak[wrapper], weak[server] = true, true
      wrapper:settimeouts(1, 1, 1)
      copas.setsocketname("name", wrapper)
      client:send("line\n")
      wrapper:receive()
      wrapper:send("line\n")
      wrapper:close()
      wrapper, server = nil, nil -- luacheck: ignore
      copas.pause()
      assert.equal(0, count())
    end)
  end)

  it("is collected: sockets that were waited for, once the wait timed out", function()
    loop.run(copas, function()
      local server = sockets.pair(socket)
      weak[server] = true
      copas.settimeout(server, 0.001)
      copas.receive(server)
      server = nil -- luacheck: ignore
      copas.pause()
      assert.equal(0, count())
    end)
  end)

  it("is collected: servers that were removed, and their handlers", function()
    do
      local server = sockets.listen(socket)
      local handler = tracked(function() end)
      weak[server], weak[handler] = true, true
      copas.addserver(server, handler, nil, "server")
      copas.step(0)
      copas.removeserver(server)
    end
    copas.step(0)

    assert.equal(0, count())
  end)

  it("is collected: a module that is loaded anew, with all that waits in its loop", function()
    local old = loop.fresh()
    weak[old] = true
    local server, port = sockets.listen(socket)
    old.addserver(server, tracked(function() end))
    old.addthread(tracked(function() old.pause(3600) end))
    old.addthread(tracked(function()
      old.timeout(3600, tracked(function() end))
      local skt = old.wrap(socket.udp())
      skt:setsockname("127.0.0.1", 0)
      skt:receive()
    end))
    old.timer.new { delay = 3600, callback = tracked(function() end) }
    old.step(0)
    old.step(0)
    old, server = nil, nil
    copas = loop.fresh()
    if jit then jit.flush() end -- compiled code holds what it was compiled for
    loop.collect() -- calls finalisers

    assert.equal(0, count())
    server = assert(socket.bind("127.0.0.1", port))
    server:close()
  end)

  it("is closed while the loop idles, so that the peer sees the end", function()
    local server, port = sockets.listen(socket)
    copas.autoclose = false
    copas.addserver(server, function(skt)
      skt = copas.wrap(skt)
      skt:send("hello\n")
    end)
    local got
    local start = copas.gettime()
    loop.run(copas, function()
      local client = copas.wrap(socket.tcp())
      client:connect("127.0.0.1", port)
      got = client:receive("*a")
      copas.removeserver(server)
    end)

    assert.equal("hello\n", got)
    assert.is_true(copas.gettime() - start < 5)
  end)

  it("is closed while the loop idles, also if it is a finaliser that drops it", function()
    local held, kept = {}, nil
    held.socket, kept = sockets.pair(socket)
    local function drop() held.socket = nil end
    local function make_garbage()
      if newproxy then
        getmetatable(newproxy(true)).__gc = drop
      else
        setmetatable({}, { __gc = drop })
      end
    end
    loop.collect()
    make_garbage()
    copas.settimeout(kept, 20)
    local got
    loop.run(copas, function() got = { copas.receive(kept) } end)

    assert.same({ nil, "closed", "" }, got)
  end)

  it("is closed while the loop idles, also if LuaSocket made it", function()
    local luasocket = require("socket")
    local server, port = sockets.listen(luasocket)
    copas.autoclose = false
    copas.addserver(server, function() copas.pause(0.5) end) -- what the beginning left is collected meanwhile
    local got
    loop.run(copas, function()
      local client = copas.wrap(socket.tcp())
      client:settimeouts(20, 20, 20)
      client:connect("127.0.0.1", port)
      got = { client:receive("*a") }
      copas.removeserver(server)
    end)

    assert.same({ nil, "closed", "" }, got)
  end)

  if _VERSION ~= "Lua 5.1" then -- where nothing tells whether it is
    it("is left alone while the collector is stopped", function()
      local kept = socket.tcp() -- might have been dropped
      weak[{}] = true
      collectgarbage("stop")
      loop.run(copas, function()
        for _ = 1, 3 do copas.pause(0.1) end
      end)
      local left = next(weak)
      collectgarbage("restart")
      kept:close()

      assert.truthy(left)
    end)
  end

  if _VERSION == "Lua 5.4" then
    it("is closed also if the collector is generational and it has become old", function()
      collectgarbage("generational")
      local dropped, kept = sockets.pair(socket)
      for _ = 1, 4 do collectgarbage("step") end -- it is old now
      dropped = nil
      copas.settimeout(kept, 20)
      local got
      loop.run(copas, function() got = { copas.receive(kept) } end)

      assert.is_nil(dropped)
      assert.same({ nil, "closed", "" }, got)
    end)
  end

  -- Does the peer see the end of a dropped connection, while another thread pauses for so many seconds by turns?
  local function is_closed_beside_pauses_of(seconds)
    local server, port = sockets.listen(socket)
    copas.autoclose = false
    copas.addserver(server, function() end)
    local over = false
    local start = copas.gettime()
    loop.run(copas, function()
      local client = copas.wrap(socket.tcp())
      client:connect("127.0.0.1", port)
      assert.same({ nil, "closed", "" }, { client:receive("*a") })
      copas.removeserver(server)
      over = true
    end, function()
      while not over and copas.gettime() - start < 8 do copas.pause(seconds) end
    end)

    assert.is_true(copas.gettime() - start < 8)
  end

  it("is closed also when another thread wakes up now and then", function() is_closed_beside_pauses_of(1) end)
  it("is closed also when another thread wakes up all the time", function() is_closed_beside_pauses_of(0.005) end)
  it("is closed also when another thread is always ready", function() is_closed_beside_pauses_of(0) end)
end)

if _VERSION == "Lua 5.4" then
  describe("garbage", function()
    it("is collected in small steps from the beginning", function()
      collectgarbage("generational")

      loop.fresh()

      assert.equal("incremental", collectgarbage("incremental"))
    end)
  end)
end
