-- Running the loop as a whole: when it ends, and what makes it end.
local child = require("support.child")
local loop = require("support.loop")
local sockets = require("support.sockets")

describe("the loop", function()
  local copas, socket, order

  local function note(what) order[#order + 1] = what end

  before_each(function()
    copas = loop.fresh()
    socket = require("copas.socket")
    order = {}
  end)

  describe("loop", function()
    it("returns nothing", function()
      assert.equal(0, select("#", copas.loop()))
    end)

    it("runs a function as a thread with a name", function()
      copas.loop(function()
        note(copas.getthreadname())
        copas.pause()
        note("end")
      end)

      assert.same({ "copas_initializer", "end" }, order)
    end)

    it("sets copas.running as long as it runs", function()
      copas.loop(function()
        note(copas.running)
        copas.pause(0.01)
        note(copas.running)
      end)

      assert.same({ true, true }, order)
      assert.is_false(copas.running)
    end)

    it("may be run again", function()
      copas.loop(function() note(1) end)
      copas.loop(function() note(2) end)
      copas.addthread(note, 3)
      copas.loop()

      assert.same({ 1, 2, 3 }, order)
    end)

    it("goes on after an error in the function", function()
      local failure
      copas.seterrorhandler(function(err) failure = err end, true)
      copas.loop(function() error("oops", 0) end)

      assert.equal("oops", failure)
      assert.is_false(copas.running)
    end)

    it("gives each step the timeout, which may be the first argument or the second", function()
      local step, given = copas.step, nil
      copas.step = function(timeout)
        given = timeout
        return step(timeout)
      end
      for _, case in ipairs {
        { 0.4, { 0.4, 0.9 } }, { 0.3, { nil, 0.3 } }, { 0.2, { function() end, 0.2 } }, { nil, {} }
      } do
        given = "nothing"
        copas.loop(case[2][1], case[2][2])
        assert.equal(case[1], given)
      end
    end)

    it("wakes up after the timeout, and sleeps on", function()
      copas.loop(function() copas.pause(0.05) end, 0.01)
    end)

    it("uses the step, finished, exit and exiting that the module has then", function()
      local called = {}
      for _, name in ipairs { "step", "finished", "exit", "exiting" } do
        local original = copas[name]
        copas[name] = function(...)
          called[name] = true
          return original(...)
        end
      end
      copas.loop(function() copas.pause() end)

      assert.same({ step = true, finished = true, exit = true, exiting = true }, called)
    end)

    it("uses a step that a thread replaces while it runs", function()
      local step, count = copas.step, 0
      copas.loop(function()
        copas.step = function(...)
          count = count + 1
          return step(...)
        end
        for _ = 1, 5 do copas.pause() end
      end)

      assert.is_true(count >= 5)
    end)

    it("is an error in a thread, and does no harm", function()
      local ok, err
      loop.run(copas, function()
        ok, err = pcall(copas.loop, note)
        note(copas.running)
        note(copas.exiting())
      end)

      assert.is_false(ok)
      assert.matches("the loop runs already", err)
      assert.same({ true, false }, order)
    end)

    it("passes on errors of a step of the user's", function()
      copas.step = function() error("mine", 0) end

      assert.same({ false, "mine" }, { pcall(copas.loop) })
      assert.is_false(copas.running)
    end)

    -- The interpreter raises an error in whatever code of the main chunk runs next.
    describe("ends with the interpreter's error at SIGINT", function()
      local function interrupted(main, command, body, after)
        local script = [[
          local copas = require("copas")
          %s(function()
            io.popen("%s"):close()
            while true do %s end
          end)
          %s
        ]]
        local run = child.lua(script:format(main, command, body, after or ""))
        assert.matches("interrupted!", run.err, 1, true)
        assert.same({ "", 1 }, { run.out, run.code })
      end

      -- In the shell's parent, once that has seen the shell end and sleeps again: LuaJIT raises the error in whatever runs,
      -- which may be a thread.
      local soon = "(while kill -0 $$; do :; done; "
        .. "until read -r _ _ state _ </proc/$PPID/stat && [ $state = S ]; do :; done; "
        .. "kill -INT $PPID) >/dev/null 2>&1 &"

      it("while it waits", function()
        interrupted("copas.loop", soon, "copas.pause(100)")
      end)

      if not jit then
        it("while threads are always ready", function()
          interrupted("copas.loop", "kill -INT $PPID", "copas.pause()")
        end)
      end

      it("or a step does", function()
        interrupted("copas.addthread", soon, "copas.pause(100)", "while true do copas.step() end")
      end)

      it("and can be run again", function()
        local run = child.lua([[
          local copas = require("copas")
          local ok = pcall(copas.loop, function()
            io.popen("]] .. soon .. [["):close()
            while true do copas.pause(100) end
          end)
          print(ok, pcall(copas.step, 0))
        ]])

        assert.same({ out = "false\ttrue\tfalse\n", err = "", code = 0 }, run)
      end)
    end)
  end)

  describe("finished", function()
    it("is true at first", function()
      assert.is_true(copas.finished())
    end)

    it("is false once a thread was added", function()
      copas.addthread(function() end)

      assert.is_false(copas.finished())
      copas.step(0)
      assert.is_true(copas.finished())
    end)

    it("is true for a thread that has a timeout left, but nobody whom that could wake", function()
      local alone, not_alone
      copas.loop(function()
        copas.timeout(60, function() end)
        alone = copas.finished()
        copas.addthread(function() copas.pauseforever() end)
        copas.pause()
        not_alone = copas.finished()
        copas.timeout(0)
      end)

      assert.is_true(alone)
      assert.is_false(not_alone)
    end)

    it("is true for a thread once it is the only one, which it may wait for", function()
      local told = {}
      copas.addthread(function()
        for _ = 1, 3 do copas.pause(0.001) end
        told.left = copas.finished()
      end)
      copas.addthread(function() copas.pauseforever() end)
      copas.addthread(function()
        told.first = copas.finished()
        while not copas.finished() do copas.pause(0) end
      end)
      copas.loop()

      assert.same({ first = false, left = false }, told)
    end)

    for what, wait in pairs {
      reads = function(skt) copas.receive(skt) end,
      writes = function(skt) copas.send(skt, ("x"):rep(8e6)) end,
    } do
      it("is false for a thread while another one " .. what .. " without a timeout", function()
        local server, client = sockets.pair(socket)
        sockets.narrow(server, client)
        local told
        copas.addthread(function() wait(server) end)
        copas.addthread(function()
          copas.pause()
          told = copas.finished()
          copas.close(server)
        end)
        copas.loop()

        assert.is_false(told)
      end)
    end

    it("is false for a thread that has just woken another one", function()
      local told
      local sleeper = copas.addthread(copas.pauseforever)
      copas.addthread(function()
        copas.wakeup(sleeper)
        told = copas.finished()
      end)
      copas.loop()

      assert.is_false(told)
    end)

    it("is false while somebody sleeps", function()
      copas.addthread(function() copas.pause(0.01) end)
      copas.step(0)

      assert.is_false(copas.finished())
      copas.loop()
      assert.is_true(copas.finished())
    end)

    it("is true when all that is left sleeps for ever", function()
      copas.addthread(function() copas.pauseforever() end)
      copas.addthread(function() copas.sleep(-1) end)
      copas.step(0)

      assert.is_true(copas.finished())
    end)

    it("is false while there is a server", function()
      local server = sockets.listen(socket)
      copas.addserver(server, note)
      copas.step(0)

      assert.is_false(copas.finished())
      copas.removeserver(server)
      assert.is_true(copas.finished())
    end)

    it("is false while somebody reads or writes", function()
      local server, client = sockets.pair(socket)
      sockets.narrow(server, client)
      copas.addthread(function() copas.receive(server) end)
      copas.step(0)
      assert.is_false(copas.finished())
      client:send("\n")
      copas.step(1)
      assert.is_true(copas.finished())

      copas.addthread(function() copas.send(server, ("x"):rep(8e6)) end)
      copas.step(0)
      assert.is_false(copas.finished())
      copas.close(server)
      copas.step(0)
      assert.is_true(copas.finished())
    end)
  end)

  describe("ends", function()
    it("when all threads have ended", function()
      copas.loop(function() copas.pause(0.01) end)

      assert.is_true(copas.finished())
    end)

    it("though a thread sleeps for ever", function()
      copas.loop(function() copas.pauseforever() end)
    end)

    it("after those that waited for the exit have done what they do then", function()
      copas.loop(function()
        copas.addthread(function()
          copas.waitforexit()
          note("exiting")
          copas.pause(0.02)
          note("cleaned up")
        end)
      end)

      assert.same({ "exiting", "cleaned up" }, order)
    end)

    it("not before what was running at an explicit exit", function()
      copas.loop(function()
        copas.addthread(function()
          copas.pause(0.02)
          note("done")
        end)
        copas.exit()
        note("exited")
      end)

      assert.same({ "exited", "done" }, order)
    end)
  end)

  describe("exit", function()
    it("returns nothing and may be repeated", function()
      copas.loop(function()
        note(select("#", copas.exit()))
        copas.exit()
      end)

      assert.same({ 0 }, order)
    end)

    it("may be called before the first loop", function()
      copas.exit()
      copas.loop(function() note(copas.exiting()) end)

      assert.same({ false }, order)
    end)

    it("is told by exiting, from then on until the next loop", function()
      assert.is_falsy(copas.exiting())
      copas.loop(function()
        note(copas.exiting())
        copas.exit()
        note(copas.exiting())
      end)
      assert.is_true(copas.exiting())
      copas.loop(function() note(copas.exiting()) end)

      assert.same({ false, true, false }, order)
    end)

    it("releases all that wait for it, first in first out", function()
      copas.loop(function()
        for index = 1, 5 do
          copas.addthread(function()
            copas.waitforexit()
            note(index)
          end)
        end
        copas.pause(0.01)
        copas.exit()
      end)

      assert.same({ 1, 2, 3, 4, 5 }, order)
    end)
  end)

  describe("cancelall", function()
    it("ends what the others do, and closes the sockets that they wait for, but not the caller", function()
      local server = socket.bind("127.0.0.1", 0)
      copas.addserver(server, function() end)
      copas.addthread(copas.pause, 60)
      copas.loop(function()
        copas.addthread(note, "not reached")
        copas.cancelall()
        copas.pause(0.001)
        note("caller")
      end)

      assert.same({ "caller" }, order)
      assert.equal(-1, server:getfd())
    end)

    it("may come before the first loop, which then works as ever", function()
      copas.addthread(note, "not reached")
      copas.cancelall()
      copas.loop(function() note("loop") end)

      assert.same({ "loop" }, order)
    end)

    it("ends threads that sleep for ever, and closes the connections that they serve", function()
      local server, port = sockets.listen(socket)
      local served, got
      copas.addserver(server, function(skt)
        served = skt
        copas.pauseforever()
        note("not reached")
      end)
      copas.loop(function()
        local client = copas.wrap(socket.tcp())
        client:settimeouts(10, 10, 10)
        client:connect("127.0.0.1", port)
        while not served do copas.pause() end
        copas.pause()
        copas.cancelall()
        got = { client:receive("*a") }
      end)

      assert.same({ nil, "closed", "" }, got)
      assert.equal(-1, served:getfd())
      assert.same({}, order)
    end)

    it("drops timeouts, and lets those run that wait for the exit", function()
      copas.loop(function()
        copas.timeout(60, function() note("not reached") end)
        copas.addthread(function()
          copas.waitforexit()
          note("exit")
        end)
        copas.pause(0.001)
        copas.cancelall()
        note(copas.gettimeouts())
      end)

      assert.same({ 0, "exit" }, order)
    end)
  end)

  describe("waitforexit", function()
    it("returns nothing", function()
      copas.loop(function() note(select("#", copas.waitforexit())) end)

      assert.same({ 0 }, order)
    end)

    it("returns at once while the loop is exiting", function()
      copas.loop(function()
        copas.exit()
        copas.addthread(note, "other")
        copas.waitforexit()
        note("waited")
      end)

      assert.same({ "waited", "other" }, order)
    end)

    it("waits in steps before the first loop", function()
      copas.addthread(function()
        copas.waitforexit()
        note("released")
      end)
      copas.step(0)
      copas.step(0)
      assert.same({}, order)

      copas.exit()
      copas.step(0)
      assert.same({ "released" }, order)
    end)

    it("does not keep the loop running", function()
      copas.loop(function() copas.waitforexit() end)
    end)
  end)
end)
