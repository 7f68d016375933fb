local child = require("support.child")
local loop = require("support.loop")
local sockets = require("support.sockets")

local unpack = table.unpack or unpack

local function count_and_pack(...) return { n = select("#", ...), ... } end

describe("a thread", function()
  local copas, socket

  before_each(function()
    copas = loop.fresh()
    socket = require("copas.socket")
  end)

  it("gets exactly the arguments it was added with", function()
    local got = {}
    local function keep(...) got[#got + 1] = count_and_pack(...) end

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

  it("may have its name before or after its function", function()
    local names, got = {}, {}
    local function keep(...)
      names[#names + 1] = copas.getthreadname()
      got[#got + 1] = count_and_pack(...)
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
    copas.addthread(setmetatable({}, { __call = function(_, ...) got = count_and_pack(...) end }), 1, nil)
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
    it("leaves the coroutine dead, and runs its to-be-closed variables", function()
      local body = assert(load([[
        local copas, note = ...
        local guard <close> = setmetatable({}, { __close = function(_, err) note("closed: " .. tostring(err)) end })
        copas.pause(3600)
      ]]))
      local co = copas.addthread(body, copas, note)
      copas.step(0)

      copas.removethread(co)

      assert.same({ "closed: nil" }, order)
      assert.equal("dead", coroutine.status(co))
      copas.loop()
    end)
  else
    it("leaves the coroutine suspended", function()
      local co = copas.addthread(function() copas.pause(3600) end)
      copas.step(0)
      copas.removethread(co)

      assert.equal("suspended", coroutine.status(co))
    end)
  end
end)

describe("names", function()
  local copas, socket

  before_each(function()
    copas = loop.fresh()
    socket = require("copas.socket")
  end)

  it("of threads are the coroutine's text at first", function()
    local co = copas.addthread(function() end)

    assert.equal(tostring(co), copas.getthreadname(co))
    assert.equal(tostring(co), copas.getthreadname(co))
  end)

  it("of threads may be set from inside and outside", function()
    local names = {}
    local co = copas.addthread(function()
      names[1] = copas.getthreadname()
      copas.setthreadname("inside")
      names[2] = copas.getthreadname()
    end)
    copas.setthreadname("outside", co)
    copas.loop()

    assert.same({ "outside", "inside" }, names)
    assert.equal("inside", copas.getthreadname(co))
  end)

  it("of threads may be set for any coroutine", function()
    local co = coroutine.create(function() end)
    copas.setthreadname("mine", co)

    assert.equal("mine", copas.getthreadname(co))
  end)

  it("of sockets are the raw socket's text at first", function()
    local skt = socket.tcp()

    assert.equal(tostring(skt), copas.getsocketname(skt))
    assert.equal(tostring(skt), copas.getsocketname(copas.wrap(skt)))
    assert.equal("text", copas.getsocketname("text"))
  end)

  it("of sockets belong to the raw socket", function()
    local skt = socket.tcp()
    local wrapper = copas.wrap(skt)

    copas.setsocketname("wrapped", wrapper)
    assert.equal("wrapped", copas.getsocketname(skt))
    copas.setsocketname("raw", skt)
    assert.equal("raw", copas.getsocketname(wrapper))
  end)

  it("have to be strings for things that have names", function()
    local function check(message, f, ...)
      local ok, err = pcall(f, ...)
      assert.is_false(ok)
      assert.matches(message, err, 1, true)
      assert.matches("^%S*threads_spec.lua:%d+: ", (select(2, pcall(function(...) f(...) end, ...))))
    end
    check("expected arg #1 to be a string", copas.setsocketname, 1, socket.tcp())
    check("expected arg #1 to be a string", copas.setsocketname, nil, socket.tcp())
    check("expected arg #2 to be a socket", copas.setsocketname, "name")
    check("expected arg #1 to be a socket", copas.getsocketname)
    check("expected arg #1 to be a string", copas.setthreadname, {})
    check("expected arg #2 to be a coroutine or nil", copas.setthreadname, "name", "thread")
    check("expected arg #1 to be a coroutine or nil", copas.getthreadname, "thread")
  end)

  it("of servers name their connections and threads, counted from one", function()
    local names = {}
    local function keep(skt)
      names[#names + 1] = copas.getsocketname(skt) .. " " .. copas.getthreadname()
    end
    local first, first_port = sockets.listen(socket)
    local second, second_port = sockets.listen(socket)
    copas.addserver(first, keep, nil, "first")
    copas.addserver(second, keep)
    loop.run(copas, function()
      for _, port in ipairs { first_port, first_port, second_port } do
        local client = copas.wrap(socket.tcp())
        client:connect("127.0.0.1", port)
        client:receive()
      end
      copas.removeserver(first)
      copas.removeserver(second)
    end)

    assert.same({
      "first:client_1 first:handler_1",
      "first:client_2 first:handler_2",
      ("%s:client_1 %s:handler_1"):format(copas.getsocketname(second), copas.getsocketname(second)),
    }, names)
  end)

  if _VERSION == "Lua 5.1" then
    it("cannot be asked for the main program, which is no coroutine", function()
      assert.has_error(function() copas.getthreadname() end)
    end)
  end
end)

describe("an error in a thread", function()
  local copas, socket, printed, original_print

  before_each(function()
    copas = loop.fresh()
    socket = require("copas.socket")
    printed = {}
    original_print = print
    _G.print = function(...) printed[#printed + 1] = count_and_pack(...) end
  end)

  after_each(function() _G.print = original_print end)

  it("is printed by default, by one call with one string, and ends nothing else", function()
    local went_on = false
    copas.addnamedthread("culprit", function() error("oops") end)
    copas.addthread(function()
      copas.pause(0.01)
      went_on = true
    end)
    copas.loop()

    assert.equal(1, #printed)
    assert.equal(1, printed[1].n)
    assert.matches("^%S*threads_spec.lua:%d+: oops %(coroutine: culprit, socket: nil%)\nstack traceback:\n\t",
                   printed[1][1])
    assert.is_true(went_on)
  end)

  it("is told with the frames of the thread and where it was started", function()
    local function failing_function() error("oops") end
    copas.addthread(function()
      copas.pause()
      failing_function()
    end)
    local line = debug.getinfo(1, "l").currentline - 4
    copas.loop()

    local text = printed[1][1]
    assert.matches("threads_spec.lua:" .. line + 2 .. ": in ", text)
    local last = text:match("\n([^\n]*)$")
    assert.matches("^\t.*threads_spec.lua:" .. line .. "$", last)
  end)

  it("may be any value", function()
    local got = {}
    copas.seterrorhandler(function(...) got[#got + 1] = count_and_pack(...) end, true)
    local value = {}
    for _, each in ipairs { value, 42, true, false } do
      copas.addthread(function() error(each, 0) end)
    end
    copas.addthread(function() error() end)
    copas.addthread(function() error("text", 0) end)
    copas.loop()

    assert.equal(value, got[1][1])
    assert.equal(42, got[2][1])
    assert.equal(true, got[3][1])
    assert.equal(false, got[4][1])
    assert.equal(nil, got[5][1])
    assert.equal("text", got[6][1])
    for _, each in ipairs(got) do assert.equal(3, each.n) end
  end)

  it("goes to the thread's own handler, with the thread", function()
    local got, default
    copas.seterrorhandler(function(err) default = err end, true)
    local co = copas.addthread(function()
      copas.seterrorhandler(function(...) got = count_and_pack(...) end)
      error("mine", 0)
    end)
    copas.addthread(function() error("another's", 0) end)
    copas.loop()

    assert.same({ n = 3, "mine", co }, got)
    assert.equal("another's", default)
    assert.equal(0, #printed)
  end)

  it("goes to the default handler of that moment", function()
    local got
    copas.addthread(function() error("oops", 0) end)
    copas.seterrorhandler(function(err) got = err end, true)
    copas.loop()

    assert.equal("oops", got)
  end)

  it("does not go to the handler of the thread that added the failing one", function()
    local parents, default = 0, nil
    copas.seterrorhandler(function(err) default = err end, true)
    copas.addthread(function()
      copas.seterrorhandler(function() parents = parents + 1 end)
      copas.addthread(function() error("child", 0) end)
      copas.pause()
    end)
    copas.loop()

    assert.equal(0, parents)
    assert.equal("child", default)
  end)

  it("finds the thread dead, its stack still there, and the loop running", function()
    local status, trace, running, added
    local co = copas.addthread(function()
      local function deep() error("oops") end
      deep()
    end)
    copas.seterrorhandler(function(err, thread)
      status = coroutine.status(thread)
      trace = copas.gettraceback(err, thread, nil)
      running = copas.running
      copas.addthread(function() added = true end)
    end, true)
    copas.loop()

    assert.equal("dead", status)
    assert.matches("deep", trace)
    assert.matches("coroutine: " .. tostring(co):gsub("%p", "%%%0"), trace)
    assert.is_true(running)
    assert.is_true(added)
  end)

  it("of its handler is printed, and ends nothing", function()
    local went_on
    copas.seterrorhandler(function() error("handler failed", 0) end, true)
    copas.addthread(function() error("oops") end)
    copas.addthread(function()
      copas.pause(0.01)
      went_on = true
    end)
    copas.loop()

    assert.same({ { n = 1, "Failed executing error handler: handler failed" } }, printed)
    assert.is_true(went_on)
  end)

  it("finds a handler that waits failing", function()
    copas.seterrorhandler(function() copas.pause() end, true)
    copas.addthread(function() error("oops") end)
    copas.loop()

    assert.equal(1, #printed)
    assert.matches("^Failed executing error handler: .*yield", printed[1][1])
  end)

  it("comes with the socket that the thread was resumed for last", function()
    local got = {}
    copas.seterrorhandler(function(err, _, skt) got[err] = skt or "none" end, true)
    local server, client = sockets.pair(socket)
    copas.addthread(function()
      copas.receive(server)
      error("after receive", 0)
    end)
    copas.addthread(function()
      copas.wrap(client):receive()
      copas.pause(0.01)
      error("after pause", 0)
    end)
    copas.addthread(function()
      copas.pause()
      server:send("line\n")
      client:send("line\n")
    end)
    copas.addthread(function() error("at once", 0) end)
    copas.loop()

    assert.equal(server, got["after receive"])
    assert.equal("none", got["after pause"])
    assert.equal("none", got["at once"])
  end)

  it("comes with a connection's socket, open, in the thread of a server", function()
    local got = {}
    copas.seterrorhandler(function(err, _, skt)
      got[#got + 1] = err
      skt:send("500 " .. err .. "\n")
    end, true)
    local server, port = sockets.listen(socket)
    local handlers = {
      function() error("at once", 0) end,
      function()
        copas.pause(0.001)
        error("after pause", 0)
      end,
      function(skt)
        copas.wrap(skt):receive()
        error("after receive", 0)
      end,
    }
    local count = 0
    copas.addserver(server, function(skt)
      count = count + 1
      handlers[count](skt)
    end)
    local answers = {}
    copas.addthread(function()
      for index = 1, #handlers do
        local client = copas.wrap(socket.tcp())
        client:connect("127.0.0.1", port)
        if index == 3 then client:send("line\n") end -- closing a socket with unread data would reset the connection
        answers[index] = client:receive("*a")
      end
      copas.removeserver(server)
    end)
    copas.loop()

    assert.same({ "at once", "after pause", "after receive" }, got)
    assert.same({ "500 at once\n", "500 after pause\n", "500 after receive\n" }, answers)
  end)

  it("is what yielding to the scheduler is", function()
    local got, resumed
    copas.seterrorhandler(function(...) got = count_and_pack(...) end, true)
    local co = copas.addthread(function()
      coroutine.yield("mine")
      resumed = true
    end)
    copas.addthread(function()
      copas.pause(0.01)
      copas.wakeup(co)
    end)
    copas.loop()

    assert.equal("coroutine.yield was called without a resume first, user-code cannot yield to Copas", got[1])
    assert.equal(co, got[2])
    assert.equal("suspended", coroutine.status(co))
    assert.is_nil(resumed)
  end)

  it("is what yielding nothing, much or odd things to the scheduler is", function()
    local count = 0
    copas.seterrorhandler(function() count = count + 1 end, true)
    copas.addthread(function() coroutine.yield() end)
    copas.addthread(function() coroutine.yield(nil) end)
    copas.addthread(function() coroutine.yield(1, 2, 3, {}, print) end)
    copas.addthread(function()
      copas.pause()
      coroutine.yield(io.stdout)
    end)
    copas.loop()

    assert.equal(4, count)
  end)

  it("closes the connection of a thread that yields to the scheduler", function()
    copas.seterrorhandler(function() end, true)
    local server, port = sockets.listen(socket)
    copas.addserver(server, function() coroutine.yield() end)
    local got
    loop.run(copas, function()
      copas.seterrorhandler(function() end, true)
      local client = copas.wrap(socket.tcp())
      client:connect("127.0.0.1", port)
      got = { client:receive() }
      copas.removeserver(server)
    end)

    assert.same({ nil, "closed", "" }, got)
  end)
end)

describe("error handlers", function()
  local copas

  before_each(function() copas = loop.fresh() end)

  it("are told when asked for", function()
    local default, mine = function() end, function() end
    local original = copas.geterrorhandler()
    assert.equal("function", type(original))
    copas.seterrorhandler(default, true)
    assert.equal(default, copas.geterrorhandler())
    local found = {}
    local co = copas.addthread(function()
      found[1] = copas.geterrorhandler()
      copas.seterrorhandler(mine)
      found[2] = copas.geterrorhandler()
      copas.pause()
      copas.seterrorhandler(nil)
      found[3] = copas.geterrorhandler()
    end)
    copas.step(0)
    assert.equal(mine, copas.geterrorhandler(co))
    copas.loop()

    assert.same({ default, mine, default }, found)
    assert.equal(default, copas.geterrorhandler(co))
  end)

  it("have to be functions", function()
    loop.run(copas, function()
      local function check(message, ...)
        local ok, err = pcall(copas.seterrorhandler, ...)
        assert.is_false(ok)
        assert.matches(message, err, 1, true)
      end
      check("Expected the handler to be a function, or nil", "text")
      check("Expected the handler to be a function, or nil", {})
      check("Expected the handler to be a function when setting the default", nil, true)
      check("Expected the handler to be a function when setting the default", {}, true)
      assert.equal(0, select("#", copas.seterrorhandler(nil)))
      assert.equal(0, select("#", copas.seterrorhandler(function() end)))
    end)
  end)
end)

describe("gettraceback", function()
  local copas, socket

  before_each(function()
    copas = loop.fresh()
    socket = require("copas.socket")
  end)

  it("names the message, the coroutine and the socket", function()
    local co = coroutine.create(function() end)
    copas.setthreadname("thread", co)
    local skt = socket.tcp()
    copas.setsocketname("socket", skt)

    local text = copas.gettraceback("message", co, skt)

    assert.matches("^message %(coroutine: thread, socket: socket%)\nstack traceback:", text)
    assert.equal(text, copas.gettraceback("message", co, copas.wrap(skt)))
  end)

  it("takes any message", function()
    local function first_line(message)
      return copas.gettraceback(message, coroutine.create(function() end), nil):match("^[^\n]*"):gsub("thread: 0x%x+", "X")
    end
    assert.equal("(coroutine: X, socket: nil)", (first_line(nil)))
    assert.equal("(coroutine: X, socket: nil)", (first_line("")))
    assert.equal("12 (coroutine: X, socket: nil)", (first_line(12)))
    assert.equal("false (coroutine: X, socket: nil)", (first_line(false)))
    assert.equal("mine (coroutine: X, socket: nil)",
                 (first_line(setmetatable({}, { __tostring = function() return "mine" end }))))
    assert.equal("100%d (coroutine: X, socket: nil)", (first_line("100%d")))
  end)

  it("traces the caller if there is no coroutine", function()
    local text = copas.gettraceback("message")

    assert.matches("^message %(coroutine: nil, socket: nil%)\nstack traceback:\n\t%S*threads_spec.lua:%d+: in ", text)
  end)

  it("traces a thread that waits, to where it was started", function()
    local function waiting_function() copas.pause(3600) end
    local co = copas.addthread(function()
      waiting_function()
      return 1
    end)
    copas.step(0)

    local text = copas.gettraceback("message", co)

    assert.matches("waiting_function", text)
    assert.matches("threads_spec.lua:%d+$", text)
    copas.removethread(co)
  end)
end)

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

  it("is closed also when another thread wakes up all the time", function()
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
      while not over do copas.pause(1) end
    end)

    assert.is_true(copas.gettime() - start < 8)
  end)
end)

describe("a process", function()
  after_each(child.cleanup)

  it("prints the errors of threads to its standard output, and ends well", function()
    local result = child.lua [[
      local copas = require("copas")
      copas.addnamedthread("culprit", function() error("oops") end)
      copas()
      print("end")
    ]]

    assert.equal(0, result.code)
    assert.equal("", result.err)
    assert.matches("oops %(coroutine: culprit, socket: nil%)\nstack traceback:\n.*\nend\n$", result.out)
  end)
end)
