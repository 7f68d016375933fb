local child = require("support.child")
local loop = require("support.loop")
local semaphores = require("support.semaphores")

local pack = require("support.check").pack

describe("a semaphore", function()
  local copas, order, note, taker

  local success, destroyed = semaphores.success, semaphores.destroyed

  before_each(function()
    copas, order, note, taker = semaphores.noting()
  end)
  after_each(child.cleanup)

  describe("is destroyed", function()
    it("once", function()
      local semaphore = copas.semaphore.new(5, 0, 7)

      assert.same(success, pack(semaphore:destroy()))
      assert.same(destroyed, pack(semaphore:destroy()))
      assert.is_true(semaphore.destroyed)
      assert.equal(7, semaphore.timeout)
    end)

    it("and any field is a function that says so", function()
      local semaphore = copas.semaphore.new(5, 5)
      local take, give = semaphore.take, semaphore.give
      semaphore:destroy()

      assert.same(destroyed, pack(semaphore:take()))
      assert.same(destroyed, pack(semaphore:take(6, 0)))
      assert.same(destroyed, pack(semaphore:give()))
      assert.same(destroyed, pack(semaphore:get_count()))
      assert.same(destroyed, pack(semaphore:get_wait()))
      assert.same(destroyed, pack(semaphore.no_such_method()))
      assert.same(destroyed, pack(take(semaphore)))
      assert.same(destroyed, pack(give(semaphore)))
    end)

    it("for all who wait, however many and whatever they want", function()
      local semaphore = copas.semaphore.new(2)
      for index = 1, 10 do taker(semaphore, index, index % 3, index % 2 == 0 and 3600 or math.huge) end
      taker(semaphore, 0, 2)
      local before
      loop.run(copas, function()
        before = #order -- those who wanted nothing when nobody waited
        copas.pause()
        semaphore:destroy()
      end)

      assert.equal(11, #order - before)
      for index = before + 1, #order do assert.same({ order[index][1], nil, "destroyed" }, order[index]) end
      assert.equal(0, copas.gettimeouts())
    end)

    it("for one that has what it wants and has not run since", function()
      local semaphore = copas.semaphore.new(2)
      taker(semaphore, 1, 1)
      loop.run(copas, function()
        copas.pause()
        semaphore:give()
        semaphore:destroy()
      end)

      assert.same({ { 1, nil, "destroyed" } }, order)
    end)

    it("without a late error of anybody's timer", function()
      local failed
      copas.seterrorhandler(function(err) failed = err end, true)
      do
        local semaphore = copas.semaphore.new(2)
        taker(semaphore, 1, 1, 0.01)
        taker(semaphore, 2, 1, 0.01)
        copas.addthread(function()
          semaphore:give()
          semaphore:destroy()
        end)
      end
      copas.step(0)
      loop.collect()
      copas.addthread(copas.pause, 0.03)
      copas.loop()

      assert.is_nil(failed)
      assert.same({ { 1, nil, "destroyed" }, { 2, nil, "destroyed" } }, order)
    end)
  end)
end)
