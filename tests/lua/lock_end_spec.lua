-- How a lock ends.
local loop = require("support.loop")

local pack = require("support.check").pack

describe("a lock", function()
  local copas, order, note

  before_each(function()
    copas, order, note = loop.noting()
  end)

  describe("is destroyed", function()
    it("once", function()
      local lock = copas.lock.new(7)

      assert.same({ n = 1, true }, pack(lock:destroy()))
      assert.same({ n = 2, nil, "destroyed" }, pack(lock:destroy()))
      assert.is_true(lock.destroyed)
      assert.equal(7, lock.timeout)
    end)

    it("and any field is a function that says so", function()
      local lock = copas.lock.new()
      local get, release, destroy = lock.get, lock.release, lock.destroy
      lock:destroy()

      assert.same({ n = 2, nil, "destroyed" }, pack(lock:get()))
      assert.same({ n = 2, nil, "destroyed" }, pack(lock:get(0)))
      assert.same({ n = 2, nil, "destroyed" }, pack(lock:release()))
      assert.same({ n = 2, nil, "destroyed" }, pack(lock.no_such_method()))
      assert.same({ n = 2, nil, "destroyed" }, pack(get(lock)))
      assert.same({ n = 2, nil, "destroyed" }, pack(release(lock)))
      assert.same({ n = 2, nil, "destroyed" }, pack(destroy(lock)))
    end)

    it("for all who wait, and for its holder", function()
      local lock = copas.lock.new()
      for index = 1, 5 do
        copas.addthread(function()
          if index == 1 then
            lock:get()
            copas.pause() -- until the others wait, too
            copas.pause(0.01)
            note(lock:destroy())
            note(lock:release())
          else
            local got = pack(lock:get(index == 3 and math.huge or 3600))
            note(index, got.n, got[1], got[2], got[3] >= 0.01)
          end
        end)
      end
      copas.loop()

      assert.same({ { true }, { nil, "destroyed" }, { 2, 3, nil, "destroyed", true }, { 3, 3, nil, "destroyed", true },
                    { 4, 3, nil, "destroyed", true }, { 5, 3, nil, "destroyed", true } }, order)
      assert.equal(0, copas.gettimeouts())
    end)

    it("for one to whom it was on its way", function()
      local lock = copas.lock.new()
      copas.addthread(function()
        lock:get()
        copas.pause() -- until the others wait
        note(lock:release())
        note(lock:destroy())
      end)
      for index = 1, 2 do
        copas.addthread(function()
          local got = pack(lock:get())
          note(index, got.n, got[1], got[2])
        end)
      end
      copas.loop()

      assert.same({ { true }, { true }, { 1, 3, nil, "destroyed" }, { 2, 3, nil, "destroyed" } }, order)
    end)
  end)
end)
