local check = require("support.check")
local loop = require("support.loop")
local queues = require("support.queues")

describe("a queue", function()
  local copas, order, note

  local success, timeout, destroyed = queues.success, queues.timeout, queues.destroyed

  before_each(function()
    copas, order, note = loop.noting()
  end)

  describe("has workers", function()
    it("which are threads that run when their turn comes", function()
      local queue = copas.queue.new({ name = "jobs" })
      queue:push("item")
      local co
      co = queue:add_worker(function(...)
        note(coroutine.running() == co, copas.getthreadname(), select("#", ...), ...)
      end)
      local second = queue:add_worker(function() end)

      assert.equal("thread", type(co))
      assert.equal("jobs:worker_1", copas.getthreadname(co))
      assert.equal("jobs:worker_2", copas.getthreadname(second))
      assert.same({}, order)
      loop.settle(copas)
      assert.same({ { true, "jobs:worker_1", 1, "item" } }, order)
    end)

    it("made of functions only", function()
      local queue = copas.queue.new()
      for _, value in ipairs { "function", 7, { 1 }, false } do
        local ok, err = pcall(function() queue:add_worker(value) end)
        assert.is_false(ok)
        assert.matches("queue_workers_spec.lua:%d+: expected worker to be a function$", err)
      end
      assert.has_error(function() queue:add_worker() end)
    end)

    it("that call their function with one item after the other", function()
      local queue, active = copas.queue.new(), 0
      for worker = 1, 2 do
        queue:add_worker(function(item)
          active = active + 1
          assert(active <= 2)
          note(worker, item)
          copas.pause(0.001)
          active = active - 1
        end)
      end
      for item = 1, 6 do queue:push(item) end
      copas.loop(function() queue:finish() end)

      local items = {}
      for _, each in ipairs(order) do items[#items + 1] = each[2] end
      assert.same({ 1, 2, 3, 4, 5, 6 }, items)
    end)

    it("for items that are nil", function()
      local queue = copas.queue.new()
      queue:add_worker(function(...) note(select("#", ...), ...) end)
      queue:push(nil)
      queue:push(2)
      copas.loop(function() queue:finish() end)

      assert.same({ { 1, nil }, { 1, 2 } }, order)
    end)

    it("that end when it is destroyed", function()
      local queue = copas.queue.new()
      local idle = queue:add_worker(function() end)
      loop.settle(copas)

      queue:destroy()
      copas.loop()

      assert.equal("dead", coroutine.status(idle))
    end)

    it("that finish their item when it is destroyed meanwhile", function()
      local queue = copas.queue.new()
      local busy = queue:add_worker(function(item)
        note("begins", item)
        copas.pause(0.01)
        note("ends", item)
      end)
      queue:push(1)
      queue:push(2)
      loop.settle(copas)

      queue:destroy()
      copas.loop()

      assert.same({ { "begins", 1 }, { "ends", 1 } }, order)
      assert.equal("dead", coroutine.status(busy))
    end)

    it("that may push", function()
      local queue = copas.queue.new()
      queue:add_worker(function(item)
        note(item)
        if item < 4 then queue:push(item + 1) end
        if item == 4 then queue:stop() end
      end)
      queue:push(1)
      copas.loop()

      assert.same({ { 1 }, { 2 }, { 3 }, { 4 } }, order)
    end)

    it("in a list of those that live", function()
      local queue = copas.queue.new()
      assert.same({}, queue:get_workers())
      local first = queue:add_worker(function() error("broken", 0) end)
      local second = queue:add_worker(function() end)
      local third = queue:add_worker(function() end)
      copas.seterrorhandler(function(err) note(err) end, true)

      assert.same({ first, second, third }, queue:get_workers())
      loop.settle(copas)
      assert.same({ first, second, third }, queue:get_workers())
      queue:push(1)
      loop.settle(copas)
      assert.same({ { "broken" } }, order)
      assert.same({ second, third }, queue:get_workers())
      copas.removethread(second)
      assert.same({ third }, queue:get_workers())
    end)

    it("whose error ends them and nobody else", function()
      local queue, failed = copas.queue.new({ name = "jobs" }), nil
      copas.seterrorhandler(function(err, co, skt)
        note(err, skt)
        failed = co
      end, true)
      local first = queue:add_worker(function(item)
        if item == 1 then error("broken", 0) end
        note("first", item)
      end)
      queue:add_worker(function(item)
        copas.pause(0.001)
        note("second", item)
      end)
      for item = 1, 3 do queue:push(item) end
      local finished
      copas.loop(function() finished = check.pack(queue:finish()) end)

      assert.same({ { "broken", nil }, { "second", 2 }, { "second", 3 } }, order)
      assert.equal(first, failed)
      assert.same(success, finished)
    end)

    it("started where the user asked for them, as a traceback says", function()
      local queue, trace = copas.queue.new(), nil
      copas.seterrorhandler(function(...) trace = copas.gettraceback(...) end, true)
      queue:add_worker(function() error("broken") end)
      queue:push(1)
      loop.settle(copas)

      assert.matches("queue_workers_spec.lua:%d+: broken %(coroutine: copas_queue_%d+:worker_1, socket: nil%)", trace)
      assert.matches("started at .*queue_workers_spec.lua:%d+", trace)
    end)

    it("not any more when it was destroyed", function()
      local queue = copas.queue.new()
      queue:destroy()

      assert.same(destroyed, check.pack(queue:add_worker(function() end)))
    end)

    it("that pop when it is stopping", function()
      local queue = copas.queue.new()
      queue:push(1)
      queue:stop()
      queue:add_worker(function(item) note(item) end)
      copas.loop()

      assert.same({ { 1 } }, order)
      queues.assert_destroyed(queue)
    end)
  end)

  describe("finishes", function()
    it("at once, without a wait, if it is empty and has no workers", function()
      local queue = copas.queue.new()

      assert.same(success, check.pack(queue:finish()))

      queues.assert_destroyed(queue)
    end)

    it("when the workers have processed the last item", function()
      local queue = copas.queue.new()
      for _ = 1, 2 do
        queue:add_worker(function(item)
          copas.pause(0.005)
          note("processed", item)
        end)
      end
      for item = 1, 4 do queue:push(item) end
      copas.loop(function() note("finished", queue:finish()) end)

      assert.equal(5, #order)
      assert.same({ "finished", true }, order[5])
    end)

    it("after what a worker does behind its last wait", function()
      local queue = copas.queue.new()
      queue:add_worker(function()
        copas.pause()
        note("processed")
      end)
      queue:push(1)
      copas.loop(function() note("finished", queue:finish()) end)

      assert.same({ { "processed" }, { "finished", true } }, order)
    end)

    it("when idle workers have ended", function()
      local queue, worker, status = copas.queue.new(), nil, nil
      copas.loop(function()
        worker = queue:add_worker(function() end)
        copas.pause(0.001)
        note(queue:finish())
        status = coroutine.status(worker)
      end)

      assert.same({ { true } }, order)
      assert.equal("dead", status)
    end)

    it("though the workers have not begun", function()
      local queue = copas.queue.new()
      copas.loop(function()
        queue:push(1)
        queue:add_worker(function(item) note(item) end)
        note("finished", queue:finish())
      end)

      assert.same({ { 1 }, { "finished", true } }, order)
    end)

    it("when others have popped the last item", function()
      local queue = copas.queue.new()
      queue:push(1)
      copas.addthread(function()
        copas.pause(0.005)
        note(queue:pop())
      end)
      copas.loop(function() note("finished", queue:finish()) end)

      assert.same({ { 1 }, { "finished", true } }, order)
    end)

    it("taking no more items meanwhile", function()
      local queue = copas.queue.new()
      queue:push(1)
      copas.addthread(function() queue:finish() end)
      loop.settle(copas)

      assert.same({ n = 2, nil, "stopping" }, check.pack(queue:push(2)))
    end)

    it("for several threads, in their order", function()
      local queue = copas.queue.new()
      queue:push(1)
      for _, name in ipairs { "a", "b" } do
        copas.addthread(function() note(name, queue:finish()) end)
      end
      loop.settle(copas)
      queue:pop()
      copas.loop()

      assert.same({ { "a", true }, { "b", true } }, order)
    end)

    it("not again when it was destroyed", function()
      local queue = copas.queue.new()
      queue:finish()

      assert.same(destroyed, check.pack(queue:finish()))
    end)

    it("when somebody destroys it meanwhile", function()
      local queue = copas.queue.new()
      queue:push(1)
      copas.addthread(function() note("finished", queue:finish()) end)
      loop.settle(copas)
      queue:destroy()
      copas.loop()

      assert.same({ { "finished", true } }, order)
    end)

    it("without dead workers", function()
      local queue = copas.queue.new()
      copas.seterrorhandler(function() end, true)
      queue:add_worker(function() error("broken") end)
      queue:push(1)
      loop.settle(copas)

      assert.same(success, check.pack(queue:finish(0)))
    end)

    it("when the last worker fails, or is removed", function()
      local first, second = copas.queue.new(), copas.queue.new()
      copas.seterrorhandler(function() end, true)
      first:add_worker(function()
        copas.pause(0.005)
        error("broken")
      end)
      first:push(1)
      local sleeping = second:add_worker(function() copas.pauseforever() end)
      second:push(1)
      copas.addthread(function() note("first", first:finish()) end)
      copas.addthread(function() note("second", second:finish()) end)
      copas.loop(function()
        copas.pause(0.01)
        copas.removethread(sleeping)
      end)

      assert.same({ { "first", true }, { "second", true } }, order)
    end)

    it("no later than the timeout, and is destroyed then", function()
      local queue, got, passed = copas.queue.new(), nil, nil
      queue:push(1)
      copas.addthread(function() queue:pop(0) end)
      queue:push(2)
      copas.loop(function()
        local begun = copas.gettime()
        got = check.pack(queue:finish(0.02))
        passed = copas.gettime() - begun
      end)

      assert.same(timeout, got)
      assert.is_true(passed >= 0.019)
      queues.assert_destroyed(queue)
    end)

    it("no later than the timeout, and stays as it is if asked to", function()
      local queue = copas.queue.new()
      queue:push(1)
      queue:push(2)
      copas.loop(function() note(queue:finish(0.001, true)) end)

      assert.same({ { nil, "timeout" } }, order)
      assert.same({ n = 2, nil, "stopping" }, check.pack(queue:push(3)))
      assert.equal(1, queue:pop(0))
      assert.equal(2, queue:pop(0))
      queues.assert_destroyed(queue)
    end)

    it("within 10 seconds if nothing is said", function()
      local queue = copas.queue.new()
      queue:push(1)
      copas.addthread(function() queue:finish() end)
      loop.settle(copas)

      assert.equal(1, copas.gettimeouts())
      queue:pop()
      loop.settle(copas)
      assert.equal(0, copas.gettimeouts())
    end)

    it("or says that it has not, without a wait, if the timeout is 0", function()
      local queue = copas.queue.new()
      queue:push(1)

      assert.same(timeout, check.pack(queue:finish(0, true)))
      assert.equal(1, queue:pop(0))
    end)

    it("while a worker is busy for longer than the timeout, which still ends its item", function()
      local queue = copas.queue.new()
      queue:add_worker(function(item)
        copas.pause(0.02)
        note("processed", item)
      end)
      queue:push(1)
      copas.loop(function()
        copas.pause()
        note(queue:finish(0.001))
      end)

      assert.same({ { nil, "timeout" }, { "processed", 1 } }, order)
    end)

    it("not with a timeout that is none, which is an error of the caller", function()
      local queue = copas.queue.new()
      local ok, err = pcall(function()
        local finished = queue:finish(-1)
        return finished
      end)

      assert.is_false(ok)
      assert.matches("queue_workers_spec.lua:%d+: expected a timeout greater than or equal to 0, got: %-1$", err)
      assert.same(success, check.pack(queue:push(1)))
    end)

    it("also when a worker asks for it, after its timeout", function()
      local queue = copas.queue.new()
      queue:add_worker(function() note(queue:finish(0.001)) end)
      queue:push(1)
      copas.loop()

      assert.same({ { nil, "timeout" } }, order)
    end)
  end)
end)
