local loop = require("support.loop")
local sockets = require("support.sockets")

local unpack = table.unpack or unpack

local pack = require("support.check").pack

describe("a thread", function()
  local copas, socket

  before_each(function()
    copas = loop.fresh()
    socket = require("copas.socket")
  end)

  it("does not run if it could not be given its name", function()
    local ran = false
    copas.setthreadname = function() error("not enough memory", 0) end

    local ok, err = pcall(copas.addnamedthread, "name", function() ran = true end)
    copas.loop()

    assert.same({ false, "not enough memory" }, { ok, err })
    assert.is_false(ran)
  end)

  it("gets exactly the arguments it was added with", function()
    local got = {}
    local function keep(...) got[#got + 1] = pack(...) end

    copas.addthread(keep)
    copas.addthread(keep, nil)
    copas.addthread(keep, nil, 2, nil, nil)
    copas.addnamedthread("name", keep, 1, nil)
    local many = {}
    for index = 1, 200 do many[index] = index end
    copas.addthread(keep, unpack(many))
    copas.loop()

    assert.same({ n = 0 }, got[1])
    assert.same({ n = 1 }, got[2])
    assert.same({ n = 4, nil, 2 }, got[3])
    assert.same({ n = 2, 1 }, got[4])
    many.n = 200
    assert.same(many, got[5])
  end)

  it("runs in the coroutine that adding it returned", function()
    local running = {}
    local function keep() running[#running + 1] = coroutine.running() end

    local first, second = copas.addthread(keep), copas.addnamedthread("second", keep)
    copas.loop()

    assert.equal("thread", type(first))
    assert.equal(first, running[1])
    assert.equal(second, running[2])
    assert.equal("dead", coroutine.status(first))
  end)

  it("is suspended until it starts, and while it waits", function()
    local co = copas.addthread(function() copas.pause() end)

    assert.equal("suspended", coroutine.status(co))
    copas.step(0)
    assert.equal("suspended", coroutine.status(co))
    copas.step(0)
    assert.equal("dead", coroutine.status(co))
  end)

  it("is added by no name but a string, or nothing happens", function()
    local ran = false
    local ok, err = pcall(copas.addnamedthread, 5, function() ran = true end)
    copas.loop()

    assert.is_false(ok)
    assert.matches("expected arg #1 to be a string", err, 1, true)
    assert.is_false(ran)
  end)

  it("may have its name before or after its function", function()
    local names, got = {}, {}
    local function keep(...)
      names[#names + 1] = copas.getthreadname()
      got[#got + 1] = pack(...)
    end

    copas.addnamedthread("new order", keep, 1, nil)
    copas.addnamedthread(keep, "old order", 2, nil)
    local unnamed = copas.addnamedthread(nil, keep, 3)
    copas.loop()

    assert.same({ "new order", "old order", tostring(unnamed) }, names)
    assert.same({ { n = 2, 1 }, { n = 2, 2 }, { n = 1, 3 } }, got)
  end)

  it("fails when it starts if its function is none", function()
    local errors = {}
    copas.seterrorhandler(function(err) errors[#errors + 1] = tostring(err) end, true)

    copas.addthread(nil)
    copas.addthread()
    copas.addthread({}, 1)
    assert.equal(0, #errors)
    copas.loop()

    assert.equal(3, #errors)
    assert.matches("attempt to call a nil value", errors[1])
    assert.matches("attempt to call a nil value", errors[2])
    assert.matches("attempt to call a table value", errors[3])
  end)

  it("may be any value that can be called", function()
    local got
    copas.addthread(setmetatable({}, { __call = function(_, ...) got = pack(...) end }), 1, nil)
    copas.loop()

    assert.same({ n = 2, 1 }, got)
  end)

  it("is dead when it has ended, whatever it returned, and nothing keeps that", function()
    local weak = setmetatable({}, { __mode = "v" })
    local co = copas.addthread(function()
      weak.result = {}
      return weak.result
    end)
    copas.loop()
    loop.collect()

    assert.equal("dead", coroutine.status(co))
    assert.is_nil(weak.result)
  end)

  it("is dead when it has failed, at once and for good", function()
    local seen
    copas.seterrorhandler(function(_, co) seen = coroutine.status(co) end, true)
    local co = copas.addthread(error, "oops")
    copas.loop()

    assert.equal("dead", seen)
    assert.equal("dead", coroutine.status(co))
  end)

  it("may be a function of the module that waits", function()
    local co = copas.addthread(copas.pause, 0.01)
    local named = copas.addnamedthread("sleeper", copas.pause, 0.01)
    copas.loop()

    assert.equal("dead", coroutine.status(co))
    assert.equal("dead", coroutine.status(named))
  end)

  it("may add thousands of others", function()
    local count = 0
    loop.run(copas, function()
      for _ = 1, 5000 do
        copas.addthread(function()
          copas.pause()
          count = count + 1
        end)
      end
    end)

    assert.equal(5000, count)
  end)
end)

describe("removethread", function()
  local copas, socket, order

  local function note(what) order[#order + 1] = what end

  before_each(function()
    copas = loop.fresh()
    socket = require("copas.socket")
    order = {}
    copas.seterrorhandler(function(err) note("error: " .. tostring(err)) end, true)
  end)

  it("returns nothing", function()
    local co = copas.addthread(note)

    assert.equal(0, select("#", copas.removethread(co)))
  end)

  it("keeps a thread from starting", function()
    copas.removethread(copas.addthread(note, "started"))

    assert.is_true(copas.finished())
    copas.loop()
    assert.same({}, order)
  end)

  it("ends a thread that sleeps, so that the loop need not wait for it", function()
    local co = copas.addthread(function()
      copas.pause(3600)
      note("awake")
    end)
    copas.step(0)

    copas.removethread(co)

    assert.is_true(copas.finished())
    copas.loop()
    assert.same({}, order)
    assert.same({ nil, "not sleeping" }, { copas.wakeup(co) })
  end)

  it("ends a thread that is being woken", function()
    local co = copas.addthread(function()
      copas.pauseforever()
      note("awake")
    end)
    copas.loop(function()
      copas.wakeup(co)
      copas.removethread(co)
    end)

    assert.same({}, order)
  end)

  it("ends a thread that gives way", function()
    local co = copas.addthread(function()
      while true do copas.pause() end
    end)
    copas.step(0)
    copas.removethread(co)

    assert.is_true(copas.finished())
  end)

  it("ends a thread that sleeps for ever", function()
    local co = copas.addthread(function()
      copas.pauseforever()
      note("awake")
    end)
    copas.step(0)

    copas.removethread(co)

    assert.same({ nil, "not sleeping" }, { copas.wakeup(co) })
    copas.loop()
    assert.same({}, order)
  end)

  it("ends a thread that waits for the exit", function()
    local co = copas.addthread(function()
      copas.waitforexit()
      note("exit")
    end)
    copas.step(0)
    copas.removethread(co)
    copas.loop()

    assert.same({}, order)
  end)

  it("ends a thread that waits on a socket, which others may go on using", function()
    local server, client = sockets.pair(socket)
    local co = copas.addthread(function()
      copas.receive(server)
      note("removed one")
    end)
    copas.step(0)
    copas.removethread(co)
    assert.is_true(copas.finished())

    copas.addthread(function() note(copas.receive(server)) end)
    copas.step(0)
    client:send("line\n")
    copas.loop()

    assert.same({ "line" }, order)
  end)

  it("loses nothing of what the thread was receiving", function()
    local server, client = sockets.pair(socket)
    local co = copas.addthread(function() copas.receive(server) end)
    copas.step(0)
    client:send("ha")
    copas.step(1)
    copas.removethread(co)
    client:send("lf\n")

    copas.loop(function() note(copas.receive(server)) end)

    assert.same({ "half" }, order)
  end)

  it("lets a thread that removes itself go on to its next wait", function()
    copas.addthread(function()
      copas.removethread((coroutine.running()))
      note("goes on")
      copas.pause()
      note("but not for ever")
    end)
    copas.loop()

    assert.same({ "goes on" }, order)
  end)

  it("lets a thread that removes itself finish what it can without waiting", function()
    local server, client = sockets.pair(socket)
    client:send("line\n")
    copas.addthread(function()
      copas.removethread((coroutine.running()))
      note(copas.receive(server))
      note("end")
    end)
    copas.loop()

    assert.same({ "line", "end" }, order)
  end)

  it("has no effect on the threads of connections", function()
    local server, port = sockets.listen(socket)
    local handler
    copas.addserver(server, function(skt)
      handler = coroutine.running()
      copas.pause(0.02)
      note("handled")
      skt:send("bye\n")
      copas.removeserver(server)
    end)
    loop.run(copas, function()
      local client = copas.wrap(socket.tcp())
      client:connect("127.0.0.1", port)
      copas.pause()
      copas.removethread(handler)
      note(client:receive())
    end)

    assert.same({ "handled", "bye" }, order)
  end)

  it("has no effect on what is no thread, or none any more", function()
    local co = copas.addthread(function() end)
    copas.step(0)
    copas.removethread(co)
    copas.removethread(co)
    copas.removethread(coroutine.create(function() end))
    copas.removethread(nil)
    copas.removethread("thread")
    copas.removethread()
    copas.loop()

    assert.same({}, order)
  end)

  it("has no effect on a coroutine that a thread has made", function()
    local mine
    copas.loop(function()
      mine = coroutine.create(function()
        copas.pause(0.01)
        note("still there")
      end)
      copas.addthread(function() copas.removethread(mine) end)
      coroutine.resume(mine)
    end)

    assert.same({ "still there" }, order)
  end)

  it("leaves others that wait with the thread in their order", function()
    local server, client = sockets.pair(socket)
    local readers = {}
    for index = 1, 5 do
      readers[index] = copas.addthread(function() note(index .. copas.receive(server)) end)
    end
    copas.step(0)
    copas.removethread(readers[1])
    copas.removethread(readers[3])
    client:send("a\nb\nc\n")
    copas.loop()

    assert.same({ "2a", "4b", "5c" }, order)
  end)

  it("closes the connection of no thread but its own", function()
    local server, client = sockets.pair(socket)
    local co = copas.addthread(function() copas.receive(server) end)
    copas.step(0)
    copas.removethread(co)

    assert.is_true(server:getfd() >= 0)
    assert.equal(5, (server:send("line\n")))
    assert.equal("line", (client:receive()))
  end)

  if coroutine.close then
    for how, wait in pairs { ["for a time"] = "copas.pause(3600)", ["for ever"] = "copas.pauseforever()" } do
      describe("of one that sleeps " .. how, function()
        it("leaves the coroutine dead, and runs its to-be-closed variables", function()
          local body = assert(load([[
            local copas, note = ...
            local guard <close> = setmetatable({}, { __close = function(_, err) note("closed: " .. tostring(err)) end })
            ]] .. wait))
          local co = copas.addthread(body, copas, note)
          copas.step(0)

          copas.removethread(co)

          assert.same({ "closed: nil" }, order)
          assert.equal("dead", coroutine.status(co))
          copas.loop()
        end)
      end)
    end
  else
    it("leaves the coroutine suspended", function()
      local co = copas.addthread(function() copas.pause(3600) end)
      copas.step(0)
      copas.removethread(co)

      assert.equal("suspended", coroutine.status(co))
    end)
  end
end)
