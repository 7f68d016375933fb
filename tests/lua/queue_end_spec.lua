local check = require("support.check")
local child = require("support.child")
local loop = require("support.loop")
local queues = require("support.queues")

describe("a queue", function()
  local copas, order, note, popper

  local success, destroyed = queues.success, queues.destroyed

  before_each(function()
    copas, order, note, popper = queues.noting()
  end)
  after_each(child.cleanup)

  describe("when it is destroyed", function()
    it("says so ever after, but keeps its name", function()
      local queue = copas.queue.new({ name = "mine" })

      assert.same(success, check.pack(queue:destroy()))

      queues.assert_destroyed(queue)
      assert.equal("mine", queue.name)
    end)

    it("wakes all who wait", function()
      local queue = copas.queue.new()
      popper(queue, "a")
      popper(queue, "b", math.huge)
      popper(queue, "c", 1000)
      loop.settle(copas)

      queue:destroy()
      copas.loop()

      assert.same({ { "a", nil, "destroyed" }, { "b", nil, "destroyed" }, { "c", nil, "destroyed" } }, order)
      assert.equal(0, copas.gettimeouts())
    end)

    it("drops its items", function()
      local queue, weak = copas.queue.new(), setmetatable({}, { __mode = "v" })
      for index = 1, 3 do
        weak[index] = {}
        queue:push(weak[index])
      end
      queue:destroy()
      loop.collect()

      assert.is_nil(next(weak))
    end)

    it("takes the item from a thread that was woken for it", function()
      local queue = copas.queue.new()
      popper(queue, "a")
      loop.settle(copas)

      queue:push(1)
      queue:destroy()
      copas.loop()

      assert.same({ { "a", nil, "destroyed" } }, order)
    end)

    it("refuses also by methods that somebody took before", function()
      local queue = copas.queue.new()
      local push, pop, finish, destroy = queue.push, queue.pop, queue.finish, queue.destroy
      queue:destroy()

      assert.same(destroyed, check.pack(push(queue, 1)))
      assert.same(destroyed, check.pack(pop(queue)))
      assert.same(destroyed, check.pack(finish(queue)))
      assert.same(destroyed, check.pack(destroy(queue)))
    end)
  end)

  describe("when it is stopped", function()
    it("is destroyed at once if it is empty", function()
      local queue = copas.queue.new()
      popper(queue, "a")
      loop.settle(copas)

      assert.same(success, check.pack(queue:stop()))

      queues.assert_destroyed(queue)
      copas.loop()
      assert.same({ { "a", nil, "destroyed" } }, order)
    end)

    it("takes no more items, and gives those it has", function()
      local queue = copas.queue.new()
      queue:push(1)
      queue:push(2)

      assert.same(success, check.pack(queue:stop()))

      assert.same({ n = 2, nil, "stopping" }, check.pack(queue:push(3)))
      assert.same(success, check.pack(queue:stop()))
      assert.equal(2, queue:get_size())
      assert.equal(1, queue:pop(0))
      assert.same({ n = 2, nil, "stopping" }, check.pack(queue:push(3)))
      assert.same({ n = 1, 2 }, check.pack(queue:pop(0)))
      queues.assert_destroyed(queue)
    end)

    it("is destroyed when the last item is popped by a thread that waited", function()
      local queue = copas.queue.new()
      popper(queue, "a")
      popper(queue, "b")
      loop.settle(copas)

      queue:push(1)
      queue:stop()
      assert.equal(1, queue:get_size())
      copas.loop()

      assert.same({ { "a", 1 }, { "b", nil, "destroyed" } }, order)
      queues.assert_destroyed(queue)
    end)

    it("gives a last item that is nil", function()
      local queue = copas.queue.new()
      queue:push(nil)
      queue:stop()

      assert.same({ n = 1 }, check.pack(queue:pop()))
      queues.assert_destroyed(queue)
    end)
  end)
end)
