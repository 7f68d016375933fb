local child = require("support.child")
local loop = require("support.loop")
local sockets = require("support.sockets")

local pack = require("support.check").pack

local socket_modules = { native = "copas.socket", luasocket = "socket" }

describe("an error in a thread", function()
  local copas, socket, printed, original_print

  before_each(function()
    copas = loop.fresh()
    socket = require("copas.socket")
    printed = {}
    original_print = print
    _G.print = function(...) printed[#printed + 1] = pack(...) end
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
    assert.matches("^%S*errors_spec.lua:%d+: oops %(coroutine: culprit, socket: nil%)\nstack traceback:\n\t",
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
    assert.matches("errors_spec.lua:" .. line + 2 .. ": in ", text)
    local last = text:match("\n([^\n]*)$")
    assert.matches("^\t.*errors_spec.lua:" .. line .. "$", last)
  end)

  it("may be any value", function()
    local got = {}
    copas.seterrorhandler(function(...) got[#got + 1] = pack(...) end, true)
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
      copas.seterrorhandler(function(...) got = pack(...) end)
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

  for name, module in pairs { native = socket_modules.native, ["LuaSocket's"] = socket_modules.luasocket } do
    it("lets the handler send on the connection, " .. name, function()
      local sockets_of = require(module)
      copas.seterrorhandler(function(err, _, skt)
        for _ = 1, 200 do copas.send(skt, err .. "\n") end
      end, true)
      local server, port = sockets.listen(sockets_of)
      copas.addserver(server, function(skt)
        copas.receive(skt)
        error("page", 0)
      end)
      local answer
      copas.addthread(function()
        local client = copas.wrap(sockets_of.tcp())
        client:connect("127.0.0.1", port)
        client:send("line\n")
        answer = client:receive("*a")
        copas.removeserver(server)
      end)
      copas.loop()

      assert.equal(("page\n"):rep(200), answer)
    end)
  end

  it("tells where the server of a failed connection was added, and the name of its thread later", function()
    local server, port = sockets.listen(socket)
    local failed
    copas.seterrorhandler(function(err, co, skt)
      failed = co
      print(copas.gettraceback(err, co, skt))
    end, true)
    copas.addserver(server, function() error("oops") end, nil, "web")
    local line = debug.getinfo(1, "l").currentline - 1
    copas.addthread(function()
      local client = copas.wrap(socket.tcp())
      client:connect("127.0.0.1", port)
      client:receive()
      copas.removeserver(server)
    end)
    copas.loop()

    assert.matches("%(coroutine: web:handler_1, socket: web:client_1%)\n", printed[1][1])
    assert.matches("\n\tstarted at [^\n]*errors_spec.lua:" .. line .. "$", printed[1][1])
    assert.equal("web:handler_1", copas.getthreadname(failed))
  end)

  it("tells what the thread waited for last", function()
    copas.addthread(function()
      copas.pause(0.001)
      error("oops")
    end)
    copas.loop()

    assert.matches("\n\twaited last: sleeping\n\tstarted at [^\n]*$", printed[1][1])
  end)

  it("is what yielding to the scheduler is", function()
    local got, resumed
    copas.seterrorhandler(function(...) got = pack(...) end, true)
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

    assert.matches("^message %(coroutine: nil, socket: nil%)\nstack traceback:\n\t%S*errors_spec.lua:%d+: in ", text)
  end)

  it("traces by what a program has put in the place of debug.traceback", function()
    local original = debug.traceback
    finally(function() debug.traceback = original end) -- luacheck: ignore 122
    debug.traceback = function(...) return "in place of " .. select("#", ...) end -- luacheck: ignore 122

    assert.equal("in place of 2", copas.gettraceback("message"))
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
    assert.matches("\n\twaits: sleeping\n\tstarted at [^\n]*errors_spec.lua:%d+$", text)
    copas.removethread(co)
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
