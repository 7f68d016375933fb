local check = require("support.check")
local child = require("support.child")
local loop = require("support.loop")
local queues = require("support.queues")

describe("a queue", function()
  local copas, order, note, popper

  local success, timeout = queues.success, queues.timeout

  before_each(function()
    copas, order, note, popper = queues.noting()
  end)
  after_each(child.cleanup)

  describe("is made", function()
    it("with a name of its own, or one by a counter", function()
      assert.equal("mine", copas.queue.new({ name = "mine" }).name)
      local first, second = copas.queue.new(), copas.queue.new({})
      local number = tonumber(first.name:match("^copas_queue_(%d+)$"))
      assert.equal("copas_queue_" .. number + 1, second.name)
    end)

    it("also by a colon call", function()
      assert.matches("^copas_queue_%d+$", copas.queue:new().name)
    end)

    it("as a plain table", function()
      local queue = copas.queue.new()
      queue.mine = 7

      assert.equal("table", type(queue))
      assert.equal(7, queue.mine)
      assert.is_nil(queue.unknown)
    end)

    it("by the module that both names give", function()
      assert.equal(copas.queue, require("copas.queue"))
    end)

    it("empty", function()
      assert.equal(0, copas.queue.new():get_size())
    end)
  end)

  describe("gives items", function()
    it("in the order in which they were pushed", function()
      local queue = copas.queue.new()

      assert.same(success, check.pack(queue:push("a")))
      assert.same(success, check.pack(queue:push("b")))
      assert.same(success, check.pack(queue:push("c")))

      assert.equal(3, queue:get_size())
      assert.same({ n = 1, "a" }, check.pack(queue:pop()))
      assert.same({ n = 1, "b" }, check.pack(queue:pop(1)))
      assert.same({ n = 1, "c" }, check.pack(queue:pop(0)))
      assert.equal(0, queue:get_size())
    end)

    it("that are nil, or false", function()
      local queue = copas.queue.new()
      queue:push()
      queue:push(nil)
      queue:push(false)

      assert.equal(3, queue:get_size())
      assert.same({ n = 1 }, check.pack(queue:pop()))
      assert.same({ n = 1 }, check.pack(queue:pop()))
      assert.same({ n = 1, false }, check.pack(queue:pop()))
      assert.same(timeout, check.pack(queue:pop(0)))
    end)

    it("one for each pop, whatever they are", function()
      local queue, item = copas.queue.new(), { 1, 2 }
      queue:push(item, "more")

      assert.same({ n = 1, item }, check.pack(queue:pop()))
    end)

    it("in order, however pushes and pops are mixed", function()
      local queue, pushed, popped, seed = copas.queue.new(), 0, 0, 1
      for _ = 1, 20000 do
        seed = (seed * 16807) % 2147483647
        if seed % 2 == 0 or pushed == popped then
          pushed = pushed + 1
          queue:push(pushed % 5 ~= 0 and pushed or nil)
        else
          popped = popped + 1
          assert(queue:pop(0) == (popped % 5 ~= 0 and popped or nil))
        end
        assert(queue:get_size() == pushed - popped)
      end
    end)

    it("by the hundred thousand", function()
      local queue = copas.queue.new()
      for item = 1, 100000 do queue:push(item) end

      assert.equal(100000, queue:get_size())
      for item = 1, 100000 do assert(queue:pop(0) == item) end
      queue:push("last")
      assert.equal("last", queue:pop(0))
    end)

    it("outside of threads, as long as nobody has to wait", function()
      local queue = copas.queue.new()
      queue:push(1)

      assert.equal(1, queue:pop())
      assert.same(timeout, check.pack(queue:pop(0)))
      assert.has_error(function() queue:pop() end, "attempt to yield from outside a coroutine")
    end)

    it("without a wait if there are some", function()
      local queue = copas.queue.new()
      queue:push(1)
      queue:push(2)
      copas.addthread(function()
        note(queue:pop())
        note(queue:pop(math.huge))
        note("done")
      end)
      copas.addthread(function() note("next") end)
      copas.loop()

      assert.same({ { 1 }, { 2 }, { "done" }, { "next" } }, order)
    end)

    it("no longer than somebody may want them", function()
      local queue = copas.queue.new()
      local weak = setmetatable({}, { __mode = "v" })
      for index = 1, 3 do
        weak[index] = {}
        queue:push(weak[index])
      end
      queue:pop()
      loop.collect()

      assert.is_nil(weak[1])
      assert.is_not_nil(weak[2])
    end)
  end)

  describe("that is empty lets wait", function()
    it("in the order in which threads came", function()
      local queue = copas.queue.new()
      for _, name in ipairs { "a", "b", "c" } do popper(queue, name) end
      loop.settle(copas)

      queue:push(1)
      queue:push(2)
      queue:push(3)
      copas.loop()

      assert.same({ { "a", 1 }, { "b", 2 }, { "c", 3 } }, order)
    end)

    it("until there is an item, which the pushing thread does not wait for", function()
      local queue = copas.queue.new()
      popper(queue, "a")
      copas.loop(function()
        copas.pause()
        queue:push(1)
        note("pushed")
      end)

      assert.same({ { "pushed" }, { "a", 1 } }, order)
    end)

    it("counting an item until it is popped", function()
      local queue = copas.queue.new()
      popper(queue, "a")
      loop.settle(copas)

      queue:push(1)

      assert.equal(1, queue:get_size())
      loop.settle(copas)
      assert.equal(0, queue:get_size())
    end)

    it("and lets nobody barge in when a waiting thread was served", function()
      local queue = copas.queue.new()
      popper(queue, "a")
      loop.settle(copas)

      queue:push(1)

      assert.same(timeout, check.pack(queue:pop(0)))
      loop.settle(copas)
      assert.same({ { "a", 1 } }, order)
    end)

    it("for an item that is nil", function()
      local queue, got = copas.queue.new(), nil
      copas.addthread(function() got = check.pack(queue:pop()) end)
      loop.settle(copas)
      queue:push(nil)
      copas.loop()

      assert.same({ n = 1 }, got)
    end)

    it("no longer than the timeout", function()
      local queue, got, passed = copas.queue.new(), nil, nil
      copas.loop(function()
        local begun = copas.gettime()
        got = check.pack(queue:pop(0.02))
        passed = copas.gettime() - begun
      end)

      assert.same(timeout, got)
      assert.is_true(passed >= 0.019)
    end)

    it("for 10 seconds if nothing is said", function()
      local queue = copas.queue.new()
      popper(queue, "a")
      loop.settle(copas)

      assert.equal(1, copas.gettimeouts())
      assert.is_false(copas.finished())
      queue:destroy()
      loop.settle(copas)
      assert.equal(0, copas.gettimeouts())
    end)

    it("for ever, without a timer, if the timeout is infinite", function()
      local queue = copas.queue.new()
      popper(queue, "a", math.huge)
      loop.settle(copas)

      assert.equal(0, copas.gettimeouts())
      assert.is_true(copas.finished())
      queue:push(1)
      copas.loop()
      assert.same({ { "a", 1 } }, order)
    end)

    it("not at all if the timeout is 0", function()
      local queue = copas.queue.new()
      copas.addthread(function()
        note(queue:pop(0))
        note("done")
      end)
      copas.addthread(function() note("next") end)
      copas.loop()
      queue:push(1)

      assert.same({ { nil, "timeout" }, { "done" }, { "next" } }, order)
      assert.equal(1, queue:pop(0))
    end)

    it("not with a timeout that is none, which is an error of the caller", function()
      local queue = copas.queue.new()
      local function refuses(value)
        local ok, err
        copas.loop(function()
          ok, err = pcall(function()
            local item = queue:pop(value)
            return item
          end)
        end)
        assert.is_false(ok)
        assert.matches("queue_spec.lua:%d+: expected a timeout greater than or equal to 0, got: ", err)
      end
      refuses(-1)
      refuses(0 / 0)
      refuses("soon")
      refuses({})
      queue:push(1)
      assert.equal(1, queue:pop(0))
    end)

    it("while the user's timeout is cancelled", function()
      local queue = copas.queue.new()
      copas.loop(function()
        copas.timeout(0.01, function() note("timeout") end)
        queue:pop(0.05)
      end)

      assert.same({}, order)
    end)

    it("without being woken by wakeup", function()
      local queue = copas.queue.new()
      local co = popper(queue, "a")
      loop.settle(copas)

      assert.same({ n = 2, nil, "not sleeping" }, check.pack(copas.wakeup(co)))
      queue:push(1)
      copas.loop()
      assert.same({ { "a", 1 } }, order)
    end)
  end)

  describe("forgets a waiting thread", function()
    it("that timed out", function()
      local queue = copas.queue.new()
      popper(queue, "a", 0.001)
      popper(queue, "b")
      copas.loop(function()
        copas.pause(0.01)
        queue:push(1)
      end)

      assert.same({ { "a", nil, "timeout" }, { "b", 1 } }, order)
    end)

    it("that was removed", function()
      local queue = copas.queue.new()
      local removed = popper(queue, "a")
      popper(queue, "b")
      loop.settle(copas)

      copas.removethread(removed)
      queue:push(1)
      copas.loop()

      assert.same({ { "b", 1 } }, order)
      assert.equal(0, queue:get_size())
    end)

    it("that was removed before it got its item, which the next one gets", function()
      local queue = copas.queue.new()
      local removed = popper(queue, "a")
      popper(queue, "b")
      loop.settle(copas)

      queue:push(1)
      copas.removethread(removed)
      copas.loop()

      assert.same({ { "b", 1 } }, order)
    end)

    it("that was removed before it got its item, which stays the first", function()
      local queue = copas.queue.new()
      local removed = popper(queue, "a")
      loop.settle(copas)

      queue:push(1)
      queue:push(2)
      copas.removethread(removed)

      assert.equal(2, queue:get_size())
      assert.equal(1, queue:pop(0))
      assert.equal(2, queue:pop(0))
    end)

    it("by the thousand, with timeouts of their own", function()
      local queue, ended = copas.queue.new(), 0
      for index = 1, 3000 do
        copas.addthread(function()
          local _, err = queue:pop(index % 7 / 1000 + 0.001)
          if err == "timeout" then ended = ended + 1 end
        end)
      end
      copas.loop()
      queue:push(1)

      assert.equal(3000, ended)
      assert.equal(1, queue:pop(0))
    end)
  end)

  it("serves threads of several instances of the module", function()
    local other = loop.fresh()
    local queue = copas.queue.new()
    other.addthread(function() note(queue:pop(math.huge)) end)
    other.step(0)
    loop.collect()

    queue:push(1)
    other.step(0)

    assert.same({ { 1 } }, order)
  end)

  it("does not keep a thread whose wait could not begin", function()
    local queue, ok = copas.queue.new(), nil
    local co = copas.addthread(function()
      ok = pcall(table.sort, { 1, 2, 3 }, function() queue:pop(math.huge) end)
      note(ok)
    end)
    loop.settle(copas)

    assert.same({ { false } }, order)
    assert.equal("dead", coroutine.status(co))
    queue:push(1)
    assert.equal(1, queue:pop(0))
  end)

  it("is listed as what threads wait for", function()
    local queue = copas.queue.new()
    popper(queue, "a", math.huge)
    popper(queue, "b")
    loop.settle(copas)

    local status = copas.status()
    assert.equal(2, status.inactive)
    assert.equal(1, status.timeout)
    assert.equal(0, status.active)
  end)

  it("ends its waits with cancelall", function()
    local queue = copas.queue.new()
    popper(queue, "a", math.huge)
    popper(queue, "b")
    local worker = queue:add_worker(function() end)
    loop.settle(copas)

    copas.cancelall()
    loop.settle(copas)

    assert.same({}, queue:get_workers())
    assert.same({}, order)
    queue:push(1)
    assert.equal(1, queue:pop(0))
    assert.is_not_nil(worker)
  end)
end)
