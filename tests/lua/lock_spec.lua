local child = require("support.child")
local loop = require("support.loop")

local pack = require("support.check").pack

describe("a lock", function()
  local copas, order, note

  before_each(function()
    copas, order, note = loop.noting()
  end)
  after_each(child.cleanup)

  describe("is made", function()
    it("with 10 seconds as timeout", function()
      assert.equal(10, copas.lock.new().timeout)
    end)

    it("with a timeout of its own, a number or a numeric string", function()
      assert.equal(3, copas.lock.new(3).timeout)
      assert.equal(0, copas.lock.new(0).timeout)
      assert.equal(2.5, copas.lock.new("2.5").timeout)
      assert.equal(math.huge, copas.lock.new(math.huge).timeout)
    end)

    it("of nothing else", function()
      local function refuses(value)
        local ok, err = pcall(function()
          local lock = copas.lock.new(value)
          return lock
        end)
        assert.is_false(ok)
        assert.matches("lock_spec.lua:%d+: expected timeout %(1st argument%) to be a number greater than or equal to " ..
                       "0, got: " .. tostring(value):gsub("%W", "%%%0") .. "$", err)
      end
      refuses(-1)
      refuses("-1")
      refuses("text")
      refuses(true)
      refuses({})
      refuses(0 / 0)
    end)

    it("by the module that require gives", function()
      assert.equal(copas.lock, require("copas.lock"))
    end)
  end)

  describe("is got", function()
    it("at once, after 0 seconds, if it is free", function()
      local got
      loop.run(copas, function() got = pack(copas.lock.new():get()) end)

      assert.same({ n = 1, 0 }, got)
    end)

    it("by one thread at a time", function()
      local lock = copas.lock.new()
      local inside, most = 0, 0
      for _ = 1, 10 do
        copas.addthread(function()
          assert(lock:get())
          inside = inside + 1
          most = math.max(most, inside)
          copas.pause()
          inside = inside - 1
          lock:release()
        end)
      end
      copas.loop()

      assert.equal(1, most)
    end)

    it("without a wait if it is free, so that nobody else runs meanwhile", function()
      local lock = copas.lock.new()
      loop.run(copas, function()
        copas.addthread(note, "other")
        for _ = 1, 1000 do
          lock:get()
          lock:release()
        end
        note("holder")
      end)

      assert.same({ { "holder" }, { "other" } }, order)
    end)

    it("after the seconds that the wait took", function()
      local lock = copas.lock.new()
      local got, passed
      loop.run(copas, function()
        lock:get()
        copas.pause() -- until the other waits, too
        copas.pause(0.02)
        lock:release()
      end, function()
        local start = copas.gettime()
        got = pack(lock:get())
        passed = copas.gettime() - start
      end)

      assert.equal(1, got.n)
      assert.is_true(got[1] >= 0.02 and got[1] <= passed)
    end)

    it("as often as the holder likes, and released as often", function()
      local lock = copas.lock.new()
      local got
      loop.run(copas, function()
        got = { lock:get(), lock:get(), lock:get(5) }
        note(lock:release())
        note(lock:release())
        copas.pause()
        note("still held")
        note(lock:release())
      end, function()
        lock:get()
        note("got")
      end)

      assert.same({ 0, 0, 0 }, got)
      assert.same({ { true }, { true }, { "still held" }, { true }, { "got" } }, order)
    end)

    it("by its holder like by anybody if it is not reentrant", function()
      local lock = copas.lock.new(0.01, true)
      local got
      loop.run(copas, function()
        lock:get()
        got = pack(lock:get())
      end)

      assert.equal(3, got.n)
      assert.is_nil(got[1])
      assert.equal("timeout", got[2])
      assert.is_true(got[3] > 0.01)
    end)

    it("in the order in which the threads came", function()
      local lock = copas.lock.new()
      local expected = {}
      for index = 1, 50 do
        copas.addthread(function()
          lock:get()
          note(index)
          copas.pause()
          lock:release()
        end)
        expected[index] = { index }
      end
      copas.loop()

      assert.same(expected, order)
    end)

    it("by the one who waited longest as soon as it is released, not by the one who releases it", function()
      local lock = copas.lock.new()
      loop.run(copas, function()
        lock:get()
        copas.pause()
        lock:release()
        note("released", lock:get(0))
        lock:get()
        note("got again")
      end, function()
        lock:get()
        note("handed over")
        lock:release()
      end)

      assert.same({ { "released", nil, "timeout", 0 }, { "handed over" }, { "got again" } }, order)
    end)

    it("by a thread also in a coroutine of its own, which counts as the thread", function()
      local lock = copas.lock.new()
      loop.run(copas, function()
        coroutine.wrap(function()
          lock:get()
          coroutine.yield()
        end)()
        note(lock:get(0))
        note(coroutine.wrap(function() return lock:release() end)())
        note(lock:release())
        note(lock:release())
      end)

      assert.same({ { 0 }, { true }, { true }, { nil, "cannot release a lock not owned" } }, order)
    end)

    it("by a thread that waits in a coroutine of its own", function()
      local lock = copas.lock.new()
      loop.run(copas, function()
        lock:get()
        copas.pause()
        lock:release()
      end, function()
        local generator = coroutine.wrap(function()
          lock:get()
          coroutine.yield("inside")
        end)
        note(generator())
        note(lock:release())
      end)

      assert.same({ { "inside" }, { true } }, order)
    end)

    it("outside of threads if it is free, and only then", function()
      local lock = copas.lock.new()
      assert.equal(0, lock:get())
      assert.equal(0, lock:get())
      loop.run(copas, function() note(lock:get(0)) end)
      assert.same({ { nil, "timeout", 0 } }, order)
      assert.is_true(lock:release())
      assert.is_true(lock:release())

      copas.addthread(function()
        lock:get()
        copas.pause(3600)
      end)
      copas.step(0)
      assert.same({ n = 3, nil, "timeout", 0 }, pack(lock:get(0)))
      assert.is_false(pcall(lock.get, lock))
    end)
  end)

  describe("is released", function()
    it("by its holder only", function()
      local lock = copas.lock.new()
      assert.same({ n = 2, nil, "cannot release a lock not owned" }, pack(lock:release()))
      loop.run(copas, function()
        lock:get()
        copas.pause()
        note(lock:release())
      end, function() note(lock:release()) end)

      assert.same({ { nil, "cannot release a lock not owned" }, { true } }, order)
    end)

    it("for a waiter that runs later, while the releasing thread goes on", function()
      local lock = copas.lock.new()
      loop.run(copas, function()
        lock:get()
        copas.pause()
        lock:release()
        note("went on")
      end, function()
        lock:get()
        note("got")
      end)

      assert.same({ { "went on" }, { "got" } }, order)
    end)

    it("past waiters that timed out or were removed", function()
      local lock = copas.lock.new()
      local removed
      loop.run(copas, function()
        lock:get()
        copas.pause(0.02)
        copas.removethread(removed)
        lock:release()
      end, function()
        local _, err = lock:get(0.01)
        note("first", err)
      end, function()
        removed = coroutine.running()
        lock:get()
        note("removed")
      end, function() note("last", lock:get() > 0) end)

      assert.same({ { "first", "timeout" }, { "last", true } }, order)
    end)

    it("by a waiter that was removed when the lock was on its way to it", function()
      local lock = copas.lock.new()
      local removed
      loop.run(copas, function()
        lock:get()
        copas.pause()
        lock:release()
        copas.removethread(removed)
      end, function()
        removed = coroutine.running()
        lock:get()
        note("removed")
      end, function() note("last", lock:get() > 0) end)

      assert.same({ { "last", true } }, order)
    end)

    it("when its holder ends, fails or is removed", function()
      local lock = copas.lock.new()
      copas.seterrorhandler(function() end, true)
      local function get_and(what)
        return copas.addthread(function()
          lock:get()
          lock:get()
          what()
        end)
      end
      get_and(function() copas.pause() end)
      get_and(function() error("oops") end)
      local removed = get_and(function() copas.pause(3600) end)
      copas.addthread(function()
        copas.pause()
        copas.pause()
        copas.pause()
        copas.removethread(removed)
      end)
      local got
      copas.addthread(function() got = lock:get() end)
      copas.loop()

      assert.is_true(got < 60)
    end)

    it("not by a thread that comes after its holder", function()
      local lock = copas.lock.new()
      for _ = 1, 100 do
        copas.addthread(function() lock:get() end)
        copas.step(0)
        loop.collect()
        copas.addthread(function() note(lock:release()) end)
        copas.step(0)
      end

      assert.equal(100, #order)
      for _, each in ipairs(order) do assert.same({ nil, "cannot release a lock not owned" }, each) end
    end)
  end)

  it("refuses to be something else", function()
    local lock = copas.lock.new()
    local semaphore = copas.semaphore.new(1)
    for _, other in ipairs { {}, semaphore, { semaphore[1] }, { io.stdout }, { "text" }, { 1 }, "text", 1 } do
      local ok, err = pcall(lock.get, other)
      assert.is_false(ok)
      assert.matches("lock expected", err)
    end
    assert.is_false(pcall(lock.release))
  end)

  it("lets go of a thread's own timeout when it makes the thread wait", function()
    local lock = copas.lock.new()
    loop.run(copas, function()
      lock:get()
      copas.pause()
      lock:release()
    end, function()
      copas.timeout(0.01, function() note("called back") end)
      lock:get()
      copas.pause(0.02)
    end)

    assert.same({}, order)
  end)

  it("tells an error handler of no socket", function()
    local lock = copas.lock.new()
    local got
    copas.addthread(function()
      lock:get()
      copas.pause()
    end)
    copas.addthread(function()
      copas.seterrorhandler(function(...) got = pack(...) end)
      lock:get()
      error("oops", 0)
    end)
    copas.loop()

    assert.equal("oops", got[1])
    assert.is_nil(got[3])
  end)

  it("is kept alive by those who wait for it", function()
    local done
    do
      local lock = copas.lock.new()
      copas.addthread(function()
        lock:get()
        copas.pause(0.01)
      end)
      copas.addthread(function() done = lock:get() end)
    end
    copas.step(0)
    loop.collect()
    copas.loop()

    assert.is_true(done > 0)
  end)

  it("is collected when nobody refers to it, though it was used and is held", function()
    local weak = setmetatable({}, { __mode = "k" })
    loop.run(copas, function()
      for _ = 1, 3 do
        local lock = copas.lock.new()
        weak[lock] = true
        lock:get()
      end
      loop.collect()
      loop.collect()
    end)

    assert.is_nil(next(weak))
  end)

  it("serves threads of another instance of the module", function()
    local lock = copas.lock.new()
    local other = loop.fresh()
    lock:get()
    other.addthread(function()
      note("got", lock:get() > 0)
      note(lock:release())
    end)
    other.step(0)
    lock:release()
    other.loop()

    assert.same({ { "got", true }, { true } }, order)
  end)

  it("does not hurt a program that ends while threads hold it and wait for it", function()
    local result = child.lua [[
      local copas = require("copas")
      local locks = {}
      for index = 1, 10 do
        local lock = copas.lock.new()
        locks[index] = lock
        for _ = 1, 3 do
          copas.addthread(function()
            lock:get()
            copas.pause(3600)
          end)
        end
      end
      copas.step(0)
      copas.step(0)
      locks[1]:destroy()
      locks[2] = nil
      print("end")
    ]]

    assert.equal(0, result.code)
    assert.equal("", result.err)
    assert.equal("end\n", result.out)
  end)
end)
