local child = require("support.child")
local loop = require("support.loop")

describe("a future", function()
  local copas, future, order, note

  -- The results of a call, nils included.
  local function results(...) return { n = select("#", ...), ... } end

  local pending, cancelled = { n = 1, false }, { n = 2, false, "cancelled" }

  before_each(function()
    copas, order, note = loop.noting()
    future = copas.future
    copas.seterrorhandler(function(err) note("error handler", err) end, true)
  end)
  after_each(child.cleanup)

  -- A thread that waits for a future, and notes its name and what it got.
  local function getter(awaited, name)
    return copas.addthread(function() note(name, awaited:get()) end)
  end

  describe("is made", function()
    it("by the module that both names give", function()
      assert.equal(future, require("copas.future"))
    end)

    it("with a thread that runs when its turn comes, with its arguments", function()
      local made = future.addthread(function(...) note(select("#", ...), ...) end, 1, nil, 3, nil)

      assert.equal("thread", type(made.coro))
      assert.same({}, order)
      copas.loop()
      assert.same({ { 4, 1, nil, 3, nil } }, order)
    end)

    it("with the coroutine of that thread as a field", function()
      local made
      made = future.addthread(function() note(coroutine.running() == made.coro) end)
      copas.loop()

      assert.same({ { true } }, order)
    end)

    it("with a name for the thread", function()
      local made = future.addnamedthread("mine", function(...) note(copas.getthreadname(), ...) end, 1, nil)

      assert.equal("mine", copas.getthreadname(made.coro))
      copas.loop()
      assert.same({ { "mine", 1, nil } }, order)
    end)

    it("by a module that knows no other fields", function()
      local ok, err = pcall(function() return future.whatever end)

      assert.is_false(ok)
      assert.matches("future_spec.lua:%d+: unknown field 'future.whatever'$", err)
      assert.has_error(function() return future[7] end)
    end)

    it("by a module with constants for its states", function()
      assert.is_true(future.SUCCESS)
      assert.is_false(future.PENDING)
      assert.equal("error", future.ERROR)
    end)
  end)

  describe("gives", function()
    it("all results, nils at the end included", function()
      local made = future.addthread(function(...) return ... end, 1, nil, 3, nil, nil)
      local got
      copas.loop(function() got = results(made:get()) end)

      assert.same({ n = 6, true, 1, nil, 3 }, got)
    end)

    it("no results if there are none", function()
      local made = future.addthread(function() end)
      local got
      copas.loop(function() got = results(made:get()) end)

      assert.same({ n = 1, true }, got)
    end)

    it("false results as success", function()
      local made = future.addthread(function() return false, "mine" end)
      copas.loop()

      assert.same({ n = 3, true, false, "mine" }, results(made:get()))
      assert.same({ n = 3, true, false, "mine" }, results(made:try()))
    end)

    it("its results when it is called", function()
      local made = future.addthread(function() return 1, nil end)
      local got
      copas.loop(function() got = results(made()) end)

      assert.same({ n = 3, true, 1 }, got)
    end)

    it("its results again and again, also outside of threads", function()
      local made = future.addthread(function() return 1, nil end)
      copas.loop()

      for _ = 1, 3 do
        assert.same({ n = 3, true, 1 }, results(made:get()))
        assert.same({ n = 3, true, 1 }, results(made()))
        assert.same({ n = 3, true, 1 }, results(made:try()))
      end
    end)

    it("hundreds of results", function()
      local many = {}
      for index = 1, 200 do many[index] = index end
      local made = future.addthread(function() return (table.unpack or unpack)(many) end)
      copas.loop()

      local got = results(made:get())
      assert.equal(201, got.n)
      assert.equal(200, got[201])
    end)

    it("errors of any type, which do not reach the error handler", function()
      local object = setmetatable({}, { __tostring = function() return "an object" end })
      for _, err in ipairs { "broken", object, 7, true, false } do
        local made = future.addthread(function() error(err, 0) end)
        local got
        copas.loop(function() got = results(made:get()) end)
        assert.same({ n = 2, false, err }, got)
        assert.equal(err, got[2])
        assert.same({ n = 2, "error", err }, results(made:try()))
      end
      local made = future.addthread(function() error() end)
      copas.loop()

      assert.equal(false, (made:get()))
      assert.same({}, order)
    end)

    it("errors with their position", function()
      local made = future.addthread(function() error("broken") end)
      copas.loop()

      assert.matches("future_spec.lua:%d+: broken$", select(2, made:get()))
    end)

    it("errors raised after a wait", function()
      local made = future.addthread(function()
        copas.pause(0.001)
        error("broken", 0)
      end)
      local got
      copas.loop(function() got = results(made:get()) end)

      assert.same({ n = 2, false, "broken" }, got)
      assert.same({}, order)
    end)

    it("errors of a task that nobody refers to to nobody", function()
      future.addthread(function()
        copas.pause()
        loop.collect()
        loop.collect()
        error("broken", 0)
      end)
      copas.loop()

      assert.same({}, order)
    end)

    it("an error though the task has an error handler of its own", function()
      local made = future.addthread(function()
        copas.seterrorhandler(function(err) note("own handler", err) end)
        error("broken", 0)
      end)
      copas.loop()

      assert.same({ n = 2, false, "broken" }, results(made:get()))
      assert.same({}, order)
    end)

    it("an error if its function is none", function()
      local made = future.addthread(nil)
      copas.loop()

      local ok, err = made:get()
      assert.is_false(ok)
      assert.matches("attempt to call .*a nil value", err)
      assert.same({}, order)
    end)

    it("an error if its task yields to the scheduler", function()
      local made = future.addthread(function() coroutine.yield("mine") end)
      copas.loop()

      assert.same({
        n = 2, false,
        "coroutine.yield was called without a resume first, user-code cannot yield to Copas",
      }, results(made:get()))
      assert.same({}, order)
    end)
  end)

  describe("that is pending", function()
    it("says so without a wait", function()
      local made = future.addthread(function() return 1 end)
      copas.addthread(function()
        assert.same({ n = 2, true, 1 }, results(made:try()))
        note("done")
      end)
      copas.addthread(function() note("next") end)

      assert.same(pending, results(made:try()))
      copas.loop()
      assert.same({ { "done" }, { "next" } }, order)
    end)

    it("lets all wait who ask, in their order", function()
      local made = future.addthread(function()
        copas.pause(0.005)
        note("results")
        return 1, nil
      end)
      for _, name in ipairs { "a", "b", "c" } do getter(made, name) end
      copas.loop()

      assert.same({ { "results" }, { "a", true, 1, nil }, { "b", true, 1, nil }, { "c", true, 1, nil } }, order)
    end)

    it("lets wait without a limit, and without a timer", function()
      local made = future.addthread(copas.pauseforever)
      getter(made, "a")
      loop.settle(copas)

      assert.equal(0, copas.gettimeouts())
      assert.is_true(copas.finished())
    end)

    it("cannot be asked for its results outside of threads", function()
      local made = future.addthread(function() end)

      assert.has_error(function() made:get() end, "attempt to yield from outside a coroutine")
    end)

    it("forgets a waiting thread that is removed", function()
      local made = future.addthread(function() copas.pause(0.005) end)
      local removed = getter(made, "a")
      getter(made, "b")
      loop.settle(copas)
      copas.removethread(removed)
      copas.loop()

      assert.same({ { "b", true } }, order)
    end)

    it("forgets a waiting thread that is removed before it goes on", function()
      local removed
      local made = future.addthread(function() copas.pause(0.005) end)
      copas.addthread(function()
        made:get()
        copas.removethread(removed)
      end)
      removed = getter(made, "a")
      getter(made, "b")
      copas.loop()

      assert.same({ { "b", true } }, order)
    end)

    it("has no results if its task removes itself, or is removed", function()
      local suicide = future.addthread(function()
        copas.removethread(coroutine.running())
        copas.pause()
        note("goes on")
      end)
      local removed = future.addthread(function()
        copas.pause()
        note("goes on")
      end)
      getter(suicide, "a")
      getter(removed, "b")
      copas.removethread(removed.coro)
      copas.loop()

      assert.same({}, order)
      assert.same(pending, results(suicide:try()))
      assert.same(pending, results(removed:try()))
    end)
  end)

  describe("that is cancelled", function()
    it("says so to all who wait, in their order, and to those who ask later", function()
      local made = future.addthread(function()
        copas.pause(1000)
        note("goes on")
      end)
      getter(made, "a")
      getter(made, "b")
      loop.settle(copas)

      assert.is_true(made:cancel())

      assert.same({ n = 2, "error", "cancelled" }, results(made:try()))
      copas.loop()
      assert.same({ { "a", false, "cancelled" }, { "b", false, "cancelled" } }, order)
      assert.same(cancelled, results(made:get()))
    end)

    it("does not keep the loop running", function()
      local made = future.addthread(function() copas.pause(1000) end)
      loop.settle(copas)

      made:cancel()

      assert.is_true(copas.finished())
      assert.same({ nil, "not sleeping" }, { copas.wakeup(made.coro) })
    end)

    it("never starts if it has not begun", function()
      local made = future.addthread(function() note("begins") end)

      assert.is_true(made:cancel())
      copas.loop()

      assert.same({}, order)
      assert.same(cancelled, results(made:get()))
    end)

    it("by its own task goes on until its next wait", function()
      local made
      made = future.addthread(function()
        note(made:cancel())
        note("goes on")
        copas.pause()
        note("goes on further")
      end)
      getter(made, "a")
      copas.loop()

      assert.same({ { true }, { "goes on" }, { "a", false, "cancelled" } }, order)
    end)

    it("by its own task stays cancelled, however that ends", function()
      local first, second
      first = future.addthread(function()
        first:cancel()
        return "mine"
      end)
      second = future.addthread(function()
        second:cancel()
        error("broken", 0)
      end)
      copas.loop()

      assert.same(cancelled, results(first:get()))
      assert.same(cancelled, results(second:get()))
      assert.same({}, order)
    end)

    it("cannot be cancelled again", function()
      local made = future.addthread(function() end)
      made:cancel()

      assert.same({ n = 1, false }, results(made:cancel()))
    end)

    it("has results if it had them before", function()
      local succeeded = future.addthread(function() return 1 end)
      local failed = future.addthread(function() error("broken", 0) end)
      copas.loop()

      assert.same({ n = 1, false }, results(succeeded:cancel()))
      assert.same({ n = 1, false }, results(failed:cancel()))
      assert.same({ n = 2, true, 1 }, results(succeeded:get()))
      assert.same({ n = 2, false, "broken" }, results(failed:get()))
    end)

    it("runs the task's to-be-closed variables", function()
      if _VERSION ~= "Lua 5.4" then return end
      local body = assert(load([[
        local copas, note = ...
        return function()
          local guard <close> = setmetatable({}, { __close = function() note("closed") end })
          copas.pause(1000)
        end
      ]]))(copas, note)
      local made = future.addthread(body)
      loop.settle(copas)

      made:cancel()

      assert.same({ { "closed" } }, order)
      assert.equal("dead", coroutine.status(made.coro))
    end)

    it("withdraws what the task waits for", function()
      local queue = copas.queue.new()
      local made = future.addthread(function() return queue:pop(math.huge) end)
      loop.settle(copas)

      made:cancel()
      queue:push(1)
      loop.settle(copas)

      assert.equal(1, queue:pop(0))
    end)
  end)

  describe("leaves to the collector", function()
    it("its task when that has ended", function()
      local weak = setmetatable({}, { __mode = "v" })
      local succeeded = future.addthread(function() copas.pause() end)
      local failed = future.addthread(function() error("broken") end)
      local ended = future.addthread(copas.pauseforever)
      weak[1], weak[2], weak[3] = succeeded.coro, failed.coro, ended.coro
      loop.settle(copas)
      ended:cancel()
      succeeded.coro, failed.coro, ended.coro = nil, nil, nil
      loop.collect()

      assert.is_nil(next(weak))
      assert.is_false((failed:get()))
    end)

    it("itself, with a task and threads that wait for ever", function()
      local weak = setmetatable({}, { __mode = "v" })
      copas.loop(function()
        local made
        made = future.addthread(function()
          copas.pauseforever()
          return made
        end)
        weak.future, weak.task = made, made.coro
        weak.getter = getter(made, "a")
        copas.pause()
      end)
      loop.collect()
      loop.collect()

      assert.is_nil(next(weak))
    end)

    it("not a task that is still to end", function()
      copas.loop(function()
        local made = future.addthread(function()
          copas.pause(0.005)
          return 1
        end)
        getter(made, "a")
        made = nil
        copas.pause()
        loop.collect()
        loop.collect()
      end)

      assert.same({ { "a", true, 1 } }, order)
    end)
  end)

  it("may go with the Lua state while threads wait", function()
    local run = child.lua([[
      local copas = require("copas")
      kept = copas.future.addthread(function() copas.pauseforever() end)
      other = copas.future.addthread(function() copas.pause(1000) end)
      copas.addthread(function() kept:get() end)
      copas.addthread(function() other:get() end)
      for _ = 1, 3 do copas.step(0) end
      other:cancel()
    ]])

    assert.same({ out = "", err = "", code = 0 }, run)
  end)
end)
