local child = require("support.child")

describe("the runtime", function()
  after_each(child.cleanup)

  -- Runs the runtime and expects it to end well; returns what it wrote.
  local function output_of(...)
    local result = child.runtime(...)
    assert.equal("", result.err)
    assert.equal(0, result.code)
    return result.out
  end

  local function fed(input, ...)
    return child.shell(child.runtime_command(...), input)
  end

  describe("runs", function()
    it("chunks, and does not read its input then", function()
      local result = fed("print('input')", "-e", "a = 1", "-e", "print(a, copas.running)")

      assert.equal("1\ttrue\n", result.out)
      assert.equal(0, result.code)
    end)

    it("a script", function()
      assert.equal("hello\n", output_of(child.file("print('hello')")))
    end)

    it("a script with a first line for the system", function()
      assert.equal("hello\n", output_of(child.file("#!/usr/bin/env copas\nprint('hello')\n")))
    end)

    it("its input if there are no arguments", function()
      local result = fed("print('input', arg[0] ~= nil, arg[1])")

      assert.equal("input\ttrue\tnil\n", result.out)
      assert.equal(0, result.code)
    end)

    it("its input for '-', and ignores the rest", function()
      local result = fed("print(arg[1], arg[2])", "-", "-x")

      assert.equal("-\t-x\n", result.out)
      assert.equal(0, result.code)
    end)

    it("a script after '--'", function()
      assert.equal("script\n", output_of("-e", "a = 'script'", "--", child.file("print(a)")))
    end)

    it("nothing after a '--' at the end", function()
      local result = fed("print('input')", "--")

      assert.equal("", result.out .. result.err)
      assert.equal(0, result.code)
    end)

    it("options from left to right, then the script, with the same globals", function()
      local script = child.file("print(order .. 'c')")

      assert.equal("abc\n", output_of("-e", "order = 'a'", "-e", "order = order .. 'b'", script))
    end)

    it("everything in one thread, which may wait", function()
      local script = child.file("copas.pause(0.001) print(copas.getthreadname(), coroutine.running() == first)")

      assert.equal("copas_initializer\ttrue\n",
                   output_of("-e", "first = coroutine.running() copas.pause(0.001)", script))
    end)

    it("a script that calls copas.loop itself, as elsewhere", function()
      local script = [[
        copas.addthread(function()
          copas.waitforexit()
          print("cleaned up", copas.exiting())
        end)
        copas.loop(function()
          copas.pause(0.01)
          print("ran", copas.getthreadname(), copas.running)
        end)
        print("looped", copas.running, copas.finished())
        copas.addthread(function() copas.pauseforever() end)
        copas.loop(function()
          print("again", copas.exiting())
          copas.cancelall()
        end)
        print("looped again")
      ]]

      assert.equal("ran\tcopas_initializer\ttrue\ncleaned up\ttrue\nlooped\tfalse\ttrue\nagain\tfalse\nlooped again\n",
                   output_of(child.file(script)))
    end)

    it("a script that waits for the others, with a timeout left that nobody waits for", function()
      local script = [[
        copas.addthread(function() copas.timeout(1000, print) end)
        copas.loop()
        print("looped")
        while not copas.finished() do copas.step() end
        print("stepped")
      ]]

      assert.equal("looped\nstepped\n", output_of(child.file(script)))
    end)

    it("a script with a main loop of its own, as elsewhere", function()
      local script = [[
        local socket = require("socket")
        local server = assert(socket.bind("127.0.0.1", 0))
        local _, port = server:getsockname()
        copas.addserver(server, function(client)
          copas.send(client, copas.receive(client) .. "\n")
          copas.removeserver(server)
        end)
        copas.addthread(function()
          local client = socket.tcp()
          assert(copas.connect(client, "127.0.0.1", port))
          copas.send(client, "line\n")
          print((copas.receive(client)))
        end)
        local events = false
        while not copas.finished() do events = copas.step() or events end
        print("stepped", events, copas.running)
        print(copas.step(0), copas.step(0.001), copas.step())
      ]]

      assert.equal("line\nstepped\ttrue\ttrue\nfalse\tfalse\tfalse\n", output_of(child.file(script)))
    end)

    it("one round of the others for each step of the script", function()
      local script = [[
        local log = {}
        for _, name in ipairs({ "a", "b" }) do
          copas.addthread(function()
            for round = 1, 3 do
              log[#log + 1] = name .. round
              copas.pause()
            end
          end)
        end
        for _ = 1, 3 do
          copas.step()
          log[#log + 1] = "step"
        end
        print(table.concat(log, " "))
      ]]

      assert.equal("a1 b1 step a2 b2 step a3 b3 step\n", output_of(child.file(script)))
    end)

    it("a script that steps, beyond the end of all other threads", function()
      local script = [[
        copas.addthread(function()
          copas.pause()
          copas.cancelall()
        end)
        copas.addthread(function() copas.pauseforever() end)
        while not copas.finished() do copas.step() end
        print("left", copas.exiting())
      ]]

      assert.equal("left\ttrue\n", output_of(child.file(script)))
    end)

    it("a script and a thread that step and sleep until the others have finished", function()
      local script = [[
        copas.addthread(function()
          while not copas.finished() do copas.pause(0.005) end
          print("thread")
        end)
        while not copas.finished() do copas.step(0.02) end
        print("script")
      ]]

      assert.equal("thread\nscript\n", output_of(child.file(script)))
    end)

    it("a step of the script for as long as it says, if nothing happens", function()
      local script = [[
        local thread = copas.addthread(function() copas.pauseforever() print("woken") end)
        copas.step(0)
        local start = copas.gettime()
        print(copas.step(0.02), copas.gettime() - start >= 0.02)
        copas.timeout(0.01, function() copas.wakeup(thread) end)
        copas.step()
        copas.step()
        print("end")
      ]]

      assert.equal("false\ttrue\nwoken\nend\n", output_of(child.file(script)))
    end)

    it("the threads that the script adds, until all have ended", function()
      local script = child.file [[
        copas.addthread(function() copas.pause(0.01) print("thread") end)
        print("script")
      ]]

      assert.equal("script\nthread\n", output_of(script))
    end)
  end)

  it("has the module in a global, which is what require gives", function()
    assert.equal("true\n", output_of("-e", "print(require('copas') == copas)"))
  end)

  it("requires modules for -l, and sets no global", function()
    assert.equal("nil\ttable\n", output_of("-l", "copas.timer", "-e",
                                           "print(timer, type(package.loaded['copas.timer']))"))
  end)

  it("shows its version for -v, and goes on", function()
    local out = output_of("-v", "-e", "print('more')")

    assert.matches("^Copas 4%.11%.0\t[^\n]+\nCoroutine Oriented Portable Asynchronous Services\n" ..
                   "Lua VM:\tLua 5%.%d\nmore\n$", out)
  end)

  it("explains its usage when an option is unknown", function()
    for _, option in ipairs { "-x", "--help", "-ev" } do
      local result = child.runtime(option, "-e", "print('not run')")

      assert.equal(1, result.code)
      assert.equal("", result.err)
      assert.matches("^usage: copas %[options%]%.%.%. %[script %[args%]%.%.%.%]%.\nAvailable options are:\n", result.out)
      for _, known in ipairs { "%-e chunk", "%-l name", "%-v", "%-%-", "%-" } do
        assert.matches("\n  " .. known .. " +%l", result.out)
      end
      assert.not_matches("not run", result.out)
    end
  end)

  describe("requires modules", function()
    it("that wait while they are loaded", function()
      local script = [[
        package.preload.slow = function(name) copas.pause(0.001) return name end
        print((require("slow")))
      ]]
      assert.equal("slow\n", output_of(child.file(script)))
    end)

    it("that run the loop", function()
      local script = [[
        package.preload.program = function()
          copas.addthread(function() copas.pause(0.001) print("thread") end)
          copas.loop()
          return "the end"
        end
        print((require("program")))
      ]]
      assert.equal("thread\nthe end\n", output_of(child.file(script)))
    end)

    it("as Lua's own function does", function()
      local script = [[
        local function show(...)
          local shown = { select("#", ...) }
          for index = 1, shown[1] do shown[index + 1] = tostring((select(index, ...))):match("^[^\n]*") end
          print((unpack or table.unpack)(shown))
        end
        package.preload.value = function(...) show(...) return "value" end
        package.preload.nothing = function() end
        package.preload.own = function(name) package.loaded[name] = "own" end
        package.preload.no = function() return false end
        package.preload["5"] = function() return "five" end
        package.preload.bad = function() error("oops") end
        for _, name in ipairs { "value", "value", "nothing", "own", "no", "no", 5 } do show(require(name)) end
        for _, name in ipairs { "bad", "bad", "not.there", {}, false } do
          show(pcall(function() return (require(name)) end))
        end
        show(pcall(function() return (require()) end))
      ]]
      local file = child.file(script)
      assert.equal(child.shell(os.getenv("COPAS_LUA") .. " " .. file).out, output_of(file))
    end)
  end)

  describe("gives a script its arguments", function()
    it("in arg, and as arguments of the chunk", function()
      local script = child.file("print(#arg, arg[1], arg[2], ...)")

      assert.equal("2\ta b\t\ta b\t\n", output_of(script, "a b", ""))
    end)

    it("even if they look like options", function()
      assert.equal("-e\t--\t-x\n", output_of(child.file("print(...)"), "-e", "--", "-x"))
    end)

    it("with what came before at indexes below 1", function()
      local script = child.file("print(arg[0], arg[-1], arg[-2], arg[-3] ~= nil)")

      assert.equal(script .. "\tlocal x\t-e\ttrue\n", output_of("-e", "local x", script, "argument"))
    end)
  end)

  describe("ends with a status that tells of a failure", function()
    local function fails(message, ...)
      local result = child.runtime(...)
      assert.equal(1, result.code)
      assert.equal("", result.out)
      assert.matches(message, result.err)
      assert.matches("%(coroutine: copas_initializer, socket: nil%)\nstack traceback:\n", result.err)
    end

    it("when a script fails", function()
      fails(":2: broken ", child.file("\nerror('broken')"))
    end)

    it("when a script fails after a wait, though threads are left", function()
      fails(":3: broken ", child.file("copas.addthread(copas.pauseforever)\ncopas.pause(0.001)\nerror('broken')"))
    end)

    it("when a script cannot be compiled", function()
      fails(":1: .*near", child.file("x y"))
    end)

    it("when there is no such script", function()
      local path = child.file("")
      os.remove(path)
      fails("^cannot open " .. path:gsub("%p", "%%%0"), path)
    end)

    it("when a chunk fails or cannot be compiled", function()
      fails("command line.*:1: broken", "-e", "error('broken')", "-e", "print('not run')")
      fails("command line.*:1: .*near", "-e", "x y")
    end)

    it("when a module cannot be loaded", function()
      fails("module 'no%.such%.module' not found", "-l", "no.such.module")
    end)

    it("when an option lacks its value", function()
      fails("'%-e' needs argument", "-e")
      fails("'%-l' needs argument", "-l")
    end)

    it("when its input fails", function()
      local result = fed("error('broken')")

      assert.equal(1, result.code)
      assert.matches("broken", result.err)
    end)
  end)

  it("prints the errors of other threads and timers, and goes on", function()
    local result = child.runtime(child.file [[
      local main = coroutine.running()
      copas.addnamedthread("mine", function() error("in a thread") end)
      copas.timer.new { delay = 0, callback = function() copas.wakeup(main) error("in a timer") end }
      copas.pauseforever()
      print("the end")
    ]])

    assert.equal(0, result.code)
    assert.equal("", result.err)
    assert.matches("in a thread %(coroutine: mine, socket: nil%)\nstack traceback:\n", result.out)
    assert.matches("in a timer %(coroutine: copas_timer_%d+, socket: nil%)\nstack traceback:\n", result.out)
    assert.matches("the end\n$", result.out)
  end)

  it("ends at once with the status that os.exit gets", function()
    for _, status in ipairs { 0, 1, 7 } do
      local result = child.runtime("-e", ("copas.addthread(copas.pauseforever) os.exit(%d)"):format(status))

      assert.equal(status, result.code)
    end
    assert.equal(3, child.runtime("-e", "copas.addthread(function() os.exit(3) end) copas.pauseforever()").code)
  end)

  describe("has sockets", function()
    it("of its own, without LuaSocket", function()
      local only_ours = "LUA_PATH= LUA_CPATH=" .. child.quote(os.getenv("LUA_CPATH"):match("^[^;]*")) .. " "
      local result = child.shell(only_ours .. child.runtime_command("-e", [[
        local socket = require "socket"
        print(socket.tcp())
        local server = socket.bind("127.0.0.1", 0)
        local _, port = server:getsockname()
        copas.addserver(server, function(skt)
          copas.send(skt, copas.receive(skt) .. " back\n")
          copas.removeserver(server)
        end)
        local client = copas.wrap(socket.tcp())
        client:connect("127.0.0.1", port)
        client:send("there and\n")
        print((client:receive()))
        client:close()
      ]]))

      assert.equal("", result.err)
      assert.matches("^tcp{master}: [^\n]+\nthere and back\n$", result.out)
      assert.equal(0, result.code)
    end)

    it("that are those of copas.socket", function()
      assert.equal("true\n", output_of("-e", "print(require('socket').tcp == require('copas.socket').tcp)"))
    end)
  end)
end)
