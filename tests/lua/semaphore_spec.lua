local child = require("support.child")
local loop = require("support.loop")
local semaphores = require("support.semaphores")

local pack = require("support.check").pack

describe("a semaphore", function()
  local copas, order, note, taker

  local success, timeout, too_many = semaphores.success, semaphores.timeout, semaphores.too_many

  before_each(function()
    copas, order, note, taker = semaphores.noting()
  end)
  after_each(child.cleanup)

  describe("is made", function()
    it("with nothing in it, and 10 seconds as timeout", function()
      local semaphore = copas.semaphore.new(5)

      assert.equal(0, semaphore:get_count())
      assert.equal(0, semaphore:get_wait())
      assert.equal(10, semaphore.timeout)
    end)

    it("with as much as it starts with", function()
      assert.equal(3, copas.semaphore.new(5, 3):get_count())
      assert.equal(7, copas.semaphore.new(5, 7):get_count())
    end)

    it("with a maximum that is a number greater than 0", function()
      local function refuses(value)
        local ok, err = pcall(function()
          local semaphore = copas.semaphore.new(value)
          return semaphore
        end)
        assert.is_false(ok)
        assert.matches("semaphore_spec.lua:%d+: expected max resources %(1st argument%) to be a number greater than 0, " ..
                       "got: " .. tostring(value):gsub("%W", "%%%0") .. "$", err)
      end
      refuses(nil)
      refuses(0)
      refuses(-1)
      refuses("5")
      refuses({})
      refuses(0 / 0)
    end)

    it("with a timeout of its own, a number or a numeric string", function()
      assert.equal(0, copas.semaphore.new(5, 0, 0).timeout)
      assert.equal(2.5, copas.semaphore.new(5, nil, "2.5").timeout)
      assert.equal(math.huge, copas.semaphore.new(5, 0, math.huge).timeout)
    end)

    it("with no other timeout", function()
      local function refuses(value)
        local ok, err = pcall(function()
          local semaphore = copas.semaphore.new(5, 0, value)
          return semaphore
        end)
        assert.is_false(ok)
        assert.matches("semaphore_spec.lua:%d+: expected timeout %(2nd argument%) to be a number greater than or equal to " ..
                       "0, got: " .. tostring(value):gsub("%W", "%%%0") .. "$", err)
      end
      refuses(-1)
      refuses("text")
      refuses({})
    end)

    it("with a maximum that nobody reaches", function()
      local semaphore = copas.semaphore.new(math.huge, 10 ^ 9)

      assert.same(success, pack(semaphore:give(10 ^ 9)))
      assert.equal(2 * 10 ^ 9, semaphore:get_count())
    end)

    it("by the module that require gives", function()
      assert.equal(copas.semaphore, require("copas.semaphore"))
    end)
  end)

  describe("gives", function()
    it("what is there, at once and without a wait", function()
      local semaphore = copas.semaphore.new(5, 5)
      loop.run(copas, function()
        copas.addthread(note, "other")
        note(semaphore:take())
        note(semaphore:take(3))
      end)

      assert.same({ { true }, { true }, { "other" } }, order)
      assert.equal(1, semaphore:get_count())
    end)

    it("exactly one result", function()
      assert.same(success, pack(copas.semaphore.new(5, 5):take()))
    end)

    it("what is there outside of threads too, and nothing else", function()
      local semaphore = copas.semaphore.new(5, 1)

      assert.is_true(semaphore:take())
      assert.same(timeout, pack(semaphore:take(1, 0)))
      assert.is_false(pcall(semaphore.take, semaphore))
    end)

    it("nothing to whoever asks for nothing, if nobody waits", function()
      assert.is_true(copas.semaphore.new(5):take(0))
    end)

    it("what is given to those who wait, in the order in which they came", function()
      local semaphore = copas.semaphore.new(5)
      for index = 1, 5 do taker(semaphore, index) end
      loop.run(copas, function()
        copas.pause()
        semaphore:give()
        semaphore:give(2)
        copas.pause()
        copas.pause()
        note("pause")
        semaphore:give(2)
      end)

      assert.same({ { 1, true }, { 2, true }, { 3, true }, { "pause" }, { 4, true }, { 5, true } }, order)
    end)

    it("nothing to a small demand behind a large one", function()
      local semaphore = copas.semaphore.new(5, 2)
      taker(semaphore, "large", 3)
      taker(semaphore, "small", 1)
      loop.run(copas, function()
        copas.pause()
        note("from outside", semaphore:take(1, 0))
        semaphore:give(2)
      end)

      assert.same({ { "from outside", nil, "timeout" }, { "large", true }, { "small", true } }, order)
      assert.equal(0, semaphore:get_count())
    end)

    it("nothing to whoever barges in while others wait", function()
      local semaphore = copas.semaphore.new(5)
      taker(semaphore, "first", 2)
      loop.run(copas, function()
        copas.pause()
        semaphore:give(1)
        note("giver", semaphore:take(0, 0))
        taker(semaphore, "second", 1)
        semaphore:give(1)
        note("giver", semaphore:take(1))
      end, function()
        copas.pause(0.01)
        semaphore:give(2)
      end)

      assert.same({ { "giver", nil, "timeout" }, { "first", true }, { "giver", true }, { "second", true } }, order)
    end)

    it("units to a waiter when they come, not when it runs", function()
      local semaphore = copas.semaphore.new(5)
      taker(semaphore, "waiter", 2)
      loop.run(copas, function()
        copas.pause()
        semaphore:give(3)
        note(semaphore:get_count(), semaphore:get_wait())
        note(semaphore:take(2, 0))
      end)

      assert.same({ { 1, -1 }, { nil, "timeout" }, { "waiter", true } }, order)
    end)

    it("as a wait in a coroutine of the thread's own", function()
      local semaphore = copas.semaphore.new(5)
      loop.run(copas, function()
        local generator = coroutine.wrap(function() coroutine.yield(semaphore:take()) end)
        note("inside", generator())
      end, function() semaphore:give() end)

      assert.same({ { "inside", true } }, order)
    end)
  end)

  describe("refuses", function()
    it("more than it can have, with or without a wait", function()
      local semaphore = copas.semaphore.new(5, 3)
      loop.run(copas, function()
        note(semaphore:take(6))
        note(semaphore:take(6, 0))
        note(semaphore:take(6, 1))
      end)

      assert.same({ { nil, "too many" }, { nil, "too many" }, { nil, "too many" } }, order)
    end)

    it("not what is there, though it is more than the maximum", function()
      assert.same(success, pack(copas.semaphore.new(5, 7):take(6)))
    end)

    it("without a wait if the timeout is 0", function()
      local semaphore = copas.semaphore.new(5, 3)
      loop.run(copas, function()
        copas.addthread(note, "other")
        note(semaphore:take(4, 0))
      end)

      assert.same({ { nil, "timeout" }, { "other" } }, order)
      assert.equal(3, semaphore:get_count())
      assert.equal(-3, semaphore:get_wait())
    end)

    it("after its timeout, or that of the call", function()
      local semaphore = copas.semaphore.new(5, 0, 0.01)
      loop.run(copas, function()
        local start = copas.gettime()
        note(semaphore:take())
        note(copas.gettime() - start > 0.01)
        start = copas.gettime()
        note(semaphore:take(1, 0.02))
        note(copas.gettime() - start > 0.02)
      end)

      assert.same({ { nil, "timeout" }, { true }, { nil, "timeout" }, { true } }, order)
      assert.equal(0, copas.gettimeouts())
    end)

    it("never if the timeout is infinite, and has no timer for it", function()
      local semaphore = copas.semaphore.new(5, 0, 0)
      taker(semaphore, "waiter", 1, math.huge)
      copas.step(0)
      assert.equal(0, copas.gettimeouts())
      semaphore:give()
      copas.loop()

      assert.same({ { "waiter", true } }, order)
    end)

    it("numbers that make no sense", function()
      local semaphore = copas.semaphore.new(5)
      assert.is_false(pcall(semaphore.take, semaphore, -1))
      assert.is_false(pcall(semaphore.give, semaphore, -1))
      assert.is_false(pcall(semaphore.take, semaphore, 0.5))
      assert.is_false(pcall(semaphore.take, semaphore, "text"))
      assert.is_false(pcall(semaphore.give, semaphore, {}))
      loop.run(copas, function()
        local ok, err = pcall(function() semaphore:take(1, -1) end)
        assert.is_false(ok)
        assert.matches("expected a timeout greater than or equal to 0", err)
      end)
      assert.equal(0, semaphore:get_wait())
    end)

    it("to be something else", function()
      local semaphore = copas.semaphore.new(5)
      local lock = copas.lock.new()
      for _, other in ipairs { {}, lock, { lock[1] }, { io.stdout }, "text" } do
        local ok, err = pcall(semaphore.take, other)
        assert.is_false(ok)
        assert.matches("semaphore expected", err)
      end
    end)
  end)

  describe("takes back", function()
    it("units, one if nothing is said", function()
      local semaphore = copas.semaphore.new(5)

      assert.same(success, pack(semaphore:give()))
      assert.same(success, pack(semaphore:give(3)))
      assert.equal(4, semaphore:get_count())
      assert.equal(-4, semaphore:get_wait())
    end)

    it("as many as fit, and says so", function()
      local semaphore = copas.semaphore.new(5, 4)

      assert.same(too_many, pack(semaphore:give(3)))
      assert.equal(5, semaphore:get_count())
    end)

    it("as many as fit before it serves those who wait", function()
      local semaphore = copas.semaphore.new(5)
      for index = 1, 3 do taker(semaphore, index, 3, 0.01) end
      loop.run(copas, function()
        copas.pause()
        note(semaphore:give(9))
        note(semaphore:get_count())
      end)

      assert.same({ { nil, "too many" }, { 2 }, { 1, true }, { 2, nil, "timeout" }, { 3, nil, "timeout" } }, order)
    end)

    it("nothing, too", function()
      local semaphore = copas.semaphore.new(5, 2)

      assert.same(success, pack(semaphore:give(0)))
      assert.equal(2, semaphore:get_count())
    end)
  end)

  it("tells what is missing for those who wait", function()
    local semaphore = copas.semaphore.new(5, 1)
    taker(semaphore, 1, 3, 0.01)
    taker(semaphore, 2, 4, 0.01)
    loop.run(copas, function()
      copas.pause()
      note(semaphore:get_count(), semaphore:get_wait())
    end)

    assert.same({ 1, 6 }, order[1])
    assert.equal(-1, semaphore:get_wait())
  end)

  describe("forgets", function()
    it("a waiter that timed out, and serves those behind it", function()
      local semaphore = copas.semaphore.new(5, 2)
      taker(semaphore, "large", 3, 0.01)
      taker(semaphore, "small", 1, 60)
      taker(semaphore, "next", 1, 60)
      copas.loop()

      assert.same({ { "large", nil, "timeout" }, { "small", true }, { "next", true } }, order)
    end)

    it("a waiter that timed out, so that others can take at once", function()
      local semaphore = copas.semaphore.new(5, 2)
      taker(semaphore, "large", 3, 0.01)
      copas.loop()

      assert.is_true(semaphore:take(2, 0))
      assert.equal(0, semaphore:get_wait())
    end)

    it("a waiter that was removed, and serves those behind it", function()
      local semaphore = copas.semaphore.new(5, 2)
      local removed = taker(semaphore, "large", 3)
      taker(semaphore, "small", 2)
      loop.run(copas, function()
        copas.pause()
        copas.removethread(removed)
      end)

      assert.same({ { "small", true } }, order)
    end)

    it("a waiter that was removed before it could run, and gives its units to the next", function()
      local semaphore = copas.semaphore.new(5)
      local removed = taker(semaphore, "removed", 2)
      taker(semaphore, "next", 2)
      loop.run(copas, function()
        copas.pause()
        semaphore:give(3)
        copas.removethread(removed)
        note(semaphore:get_count())
      end)

      assert.same({ { 1 }, { "next", true } }, order)
    end)
  end)

  it("lets go of a thread's own timeout when it makes the thread wait", function()
    local semaphore = copas.semaphore.new(1)
    loop.run(copas, function()
      copas.timeout(0.01, function() note("called back") end)
      semaphore:take()
      copas.pause(0.02)
    end, function() semaphore:give() end)

    assert.same({}, order)
  end)

  it("does not hear of copas.wakeup", function()
    local semaphore = copas.semaphore.new(1)
    local waiting = taker(semaphore, "waiter")
    loop.run(copas, function()
      copas.pause()
      note(copas.wakeup(waiting))
      copas.pause()
      semaphore:give()
    end)

    assert.same({ { nil, "not sleeping" }, { "waiter", true } }, order)
  end)

  it("does not let the loop wait for those who wait without an end", function()
    local semaphore = copas.semaphore.new(1)
    taker(semaphore, "waiter", 1, math.huge)
    copas.loop()

    assert.same({}, order)
  end)

  it("is kept alive by those who wait for it, whatever is collected", function()
    local weak = setmetatable({}, { __mode = "v" })
    do
      local semaphore = copas.semaphore.new(1)
      weak.semaphore = semaphore
      copas.addthread(function() note(weak.semaphore:take(1, 60)) end)
    end
    copas.step(0)
    loop.collect()
    weak.semaphore:give()
    copas.loop()

    assert.same({ { true } }, order)
  end)

  it("is collected when nobody refers to it", function()
    local weak = setmetatable({}, { __mode = "k" })
    for _ = 1, 3 do
      local semaphore = copas.semaphore.new(1)
      weak[semaphore] = true
      taker(semaphore, "waiter", 1, 0.001)
    end
    copas.loop()
    loop.collect()

    assert.is_nil(next(weak))
  end)

  it("does not hurt a program that ends while threads wait", function()
    local result = child.lua [[
      local copas = require("copas")
      for index = 1, 10 do
        local semaphore = copas.semaphore.new(3)
        for count = 1, 5 do
          copas.addthread(function() semaphore:take(count % 3, count % 2 == 0 and 3600 or math.huge) end)
        end
        if index % 2 == 0 then copas.addthread(function() semaphore:give(2) os.exit(0, true) end) end
      end
      print("end")
      io.stdout:flush()
      copas.loop()
    ]]

    assert.equal(0, result.code)
    assert.equal("", result.err)
    assert.equal("end\n", result.out)
  end)
end)
