-- In what order the loop runs threads, and what one step of it is.
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

  describe("starts threads", function()
    it("in the order in which they were added", function()
      for index = 1, 20 do copas.addthread(note, index) end
      copas.loop()

      local expected = {}
      for index = 1, 20 do expected[index] = index end
      assert.same(expected, order)
    end)

    it("never while they are being added", function()
      copas.addthread(note, "thread")
      copas.addnamedthread("name", note, "named thread")

      assert.same({}, order)
    end)

    it("in the next step if they are added outside", function()
      copas.addthread(note, "thread")
      copas.step(0)

      assert.same({ "thread" }, order)
    end)

    it("in the next step, before the continuation of the thread that added them", function()
      copas.addthread(function()
        copas.addthread(note, "added")
        copas.pause()
        note("adder")
      end)

      copas.step(0)
      assert.same({}, order)
      copas.step(0)
      assert.same({ "added", "adder" }, order)
    end)

    it("in the same step if a thread adds them that a socket woke", function()
      local server, client = sockets.pair(socket)
      copas.addthread(function()
        copas.receive(server)
        copas.addthread(note, "added")
        note("reader")
      end)
      copas.step(0)
      client:send("line\n")

      copas.step(1)

      assert.same({ "reader", "added" }, order)
    end)
  end)

  describe("continues after pause()", function()
    it("in the next step", function()
      copas.addthread(function()
        for index = 1, 3 do
          note(index)
          copas.pause()
        end
      end)

      copas.step(0)
      assert.same({ 1 }, order)
      copas.step(0)
      assert.same({ 1, 2 }, order)
      copas.step(0)
      assert.same({ 1, 2, 3 }, order)
    end)

    it("in the same step if a socket had woken the thread", function()
      local server, client = sockets.pair(socket)
      copas.addthread(function()
        copas.receive(server)
        note("woken")
        copas.pause()
        note("continued")
        copas.pause(0)
        note("continued again")
      end)
      copas.step(0)
      client:send("line\n")

      copas.step(1)
      assert.same({ "woken", "continued" }, order)
      copas.step(0)
      assert.same({ "woken", "continued", "continued again" }, order)
    end)

    it("after those that were runnable before", function()
      copas.addthread(function()
        note("a")
        copas.pause()
        note("c")
      end)
      copas.addthread(note, "b")
      copas.loop()

      assert.same({ "a", "b", "c" }, order)
    end)
  end)

  describe("in one step", function()
    it("runs what can read, then what can write, then who slept", function()
      local server, client = sockets.pair(socket)
      local full, reader = sockets.pair(socket)
      sockets.narrow(full, reader)
      copas.addthread(function()
        copas.send(full, ("x"):rep(2e6))
        note("writer")
      end)
      copas.addthread(function()
        copas.pause(0.001)
        note("sleeper")
      end)
      copas.addthread(function()
        copas.receive(server)
        note("reader")
      end)
      copas.step(0)
      client:send("line\n")
      reader:settimeout(0.02)
      repeat local _, err = reader:receive(100000) until err == "timeout"
      -- now the writer has room, but what it still has to send may need several turns of it
      repeat
        copas.step(0)
        reader:receive(100000)
      until #order == 3

      assert.equal("reader", order[1])
    end)

    it("starts the handler of a connection before the connect returns that caused it", function()
      local server, port = sockets.listen(socket)
      copas.addserver(server, function() note("handler") end)
      copas.addthread(function()
        local client = copas.wrap(socket.tcp())
        assert.equal(1, client:connect("127.0.0.1", port))
        note("connected")
        copas.removeserver(server)
      end)
      copas.loop()

      assert.same({ "handler", "connected" }, order)
    end)

    it("starts the handlers of all pending connections", function()
      local server, port = sockets.listen(socket)
      copas.addserver(server, note)
      copas.step(0)
      local clients = {}
      for index = 1, 5 do clients[index] = assert(socket.connect("127.0.0.1", port)) end

      copas.step(1)
      copas.removeserver(server)

      assert.equal(5, #order)
    end)

    it("wakes sleepers in the order of their times", function()
      for _, delay in ipairs { 0.03, 0.01, 0.02 } do
        copas.addthread(function()
          copas.pause(delay)
          note(delay)
        end)
      end
      copas.step(0)
      socket.sleep(0.05)
      copas.step(0)

      assert.same({ 0.01, 0.02, 0.03 }, order)
    end)

    it("resumes no thread twice, however it was made runnable", function()
      local woken
      woken = copas.addthread(function()
        for index = 1, 2 do
          copas.pause(60)
          note(index)
        end
      end)
      copas.addthread(function()
        assert.is_true(copas.wakeup(woken))
        assert.same({ nil, "not sleeping" }, { copas.wakeup(woken) })
        copas.wakeup(woken)
      end)
      copas.step(0)
      copas.step(0)
      copas.step(0)

      assert.same({ 1 }, order)
    end)
  end)

  describe("step", function()
    it("tells whether a socket had an event", function()
      local server, client = sockets.pair(socket)
      copas.addthread(function() copas.receive(server) end)

      assert.is_false(copas.step(0))
      client:send("line\n")
      assert.is_true(copas.step(1))
    end)

    it("gives false when only threads ran", function()
      copas.addthread(function()
        copas.pause()
        copas.pause(0.001)
      end)

      local results = {}
      while not copas.finished() do results[#results + 1] = copas.step() end

      for _, result in ipairs(results) do assert.is_false(result) end
    end)

    it("waits no longer than it is told", function()
      local server = sockets.listen(socket)
      copas.addserver(server, note)
      copas.step(0)
      local start = copas.gettime()

      assert.is_false(copas.step(0.05))

      local took = copas.gettime() - start
      assert.is_true(took >= 0.049 and took < 2)
    end)

    it("waits for the next sleeper if it is told nothing", function()
      copas.addthread(function()
        copas.pause(0.05)
        note("awake")
      end)
      copas.step()

      local events = 0
      repeat
        if copas.step() then events = events + 1 end
      until order[1]

      assert.equal(0, events)
    end)

    it("returns if there is nothing to wait for", function()
      assert.is_false(copas.step())
      copas.addthread(copas.pauseforever)
      assert.is_false(copas.step())
      assert.is_false(copas.step())
    end)

    it("does not touch copas.running", function()
      copas.addthread(function() note(tostring(copas.running)) end)
      copas.step(0)
      copas.running = true
      copas.step(0)

      assert.same({ "false" }, order)
      assert.is_true(copas.running)
    end)

    it("does not take what is no number", function()
      assert.has_error(function() copas.step("soon") end)
      assert.has_error(function() copas.step({}) end)
    end)

    it("is an error in a thread, and does no harm", function()
      local ok, err
      loop.run(copas, function()
        ok, err = pcall(copas.step, 0)
        copas.pause(0.01)
        note("went on")
      end)

      assert.is_false(ok)
      assert.matches("the loop runs already", err)
      assert.same({ "went on" }, order)
    end)

    it("is an error in an error handler, and does no harm", function()
      local ok
      copas.seterrorhandler(function() ok = pcall(copas.step, 0) end, true)
      copas.addthread(error, "oops")
      copas.addthread(note, "other")
      copas.loop()

      assert.is_false(ok)
      assert.same({ "other" }, order)
    end)
  end)
end)
