local child = require("support.child")
local loop = require("support.loop")
local queues = require("support.queues")

describe("a queue leaves to the collector", function()
  local copas, order, note, popper

  before_each(function()
    copas, order, note, popper = queues.noting()
  end)
  after_each(child.cleanup)

  it("its dead workers", function()
    local weak = setmetatable({}, { __mode = "v" })
    local queue = copas.queue.new()
    weak[1] = queue:add_worker(function() error("broken") end)
    copas.seterrorhandler(function() end, true)
    queue:push(1)
    loop.settle(copas)
    loop.collect()

    assert.is_nil(weak[1])
    assert.same({}, queue:get_workers())
  end)

  it("itself, and the threads that wait for it for ever", function()
    local weak, waited = setmetatable({}, { __mode = "v" }), nil
    copas.loop(function()
      local queue = copas.queue.new()
      weak.queue = queue
      weak.worker = queue:add_worker(function() return queue end)
      weak.popper = copas.addthread(function()
        local item = queue:pop(math.huge)
        return item
      end)
      copas.pause()
      waited = weak.popper ~= nil -- as long as the queue is in use
      return queue
    end)
    loop.settle(copas)
    loop.collect()
    loop.collect()

    assert.is_true(waited)
    assert.is_nil(weak.queue)
    assert.is_nil(weak.worker)
    assert.is_nil(weak.popper)
    assert.is_true(copas.finished())
    assert.equal(0, copas.status().inactive)
  end)

  it("nothing that was just woken", function()
    copas.loop(function()
      local queue = copas.queue.new()
      queue:add_worker(function(item)
        loop.collect()
        note(item)
        loop.collect()
      end)
      copas.addthread(function()
        note(queue:pop(math.huge))
      end)
      copas.pause()
      copas.pause()
      queue:push(1)
      queue:push(2)
      queue = nil
      loop.collect()
      loop.collect()
    end)

    assert.same({ { 1 }, { 2 } }, order)
  end)

  it("no thread that a timer may still wake", function()
    copas.loop(function()
      copas.addthread(function()
        note(copas.queue.new():pop(0.01))
      end)
      copas.pause()
      loop.collect()
    end)

    assert.same({ { nil, "timeout" } }, order)
  end)

  it("no waiting thread as long as its queue is in use", function()
    local queue = copas.queue.new()
    popper(queue, "a", math.huge)
    copas.addthread(function()
      local inner = coroutine.wrap(function() note("b", queue:pop(math.huge)) end)
      inner()
    end)
    loop.settle(copas)
    loop.collect()
    loop.collect()

    queue:push(1)
    queue:push(2)
    loop.collect()
    copas.loop()

    assert.same({ { "a", 1 }, { "b", 2 } }, order)
  end)

  it("a thread that was removed while it waited", function()
    local weak = setmetatable({}, { __mode = "v" })
    local queue = copas.queue.new()
    weak[1] = popper(queue, "a", math.huge)
    weak[2] = popper(queue, "b", 1000)
    loop.settle(copas)
    copas.removethread(weak[1])
    copas.removethread(weak[2])
    loop.collect()

    assert.is_nil(next(weak))
  end)

  it("finalisers that use it, of what is collected with it", function()
    local function finalised(action)
      if not newproxy then return setmetatable({}, { __gc = action }) end
      local proxy = newproxy(true)
      getmetatable(proxy).__gc = action
      return proxy
    end

    for _ = 1, 20 do
      local queue = copas.queue.new()
      popper(queue, "a", math.huge)
      queue.before = finalised(function() pcall(queue.push, queue, 1) end)
      loop.settle(copas)
    end
    for _ = 1, 4 do
      collectgarbage()
      loop.settle(copas)
    end

    assert.is_true(copas.finished())
    assert.is_true(#order <= 20)
  end)

  it("all at once with the Lua state while threads wait", function()
    local run = child.lua([[
      local copas = require("copas")
      local queue = copas.queue.new()
      queue:add_worker(function() end)
      copas.addthread(function() queue:pop(math.huge) end)
      copas.addthread(function() queue:pop(1000) end)
      copas.addthread(function() queue:finish(math.huge) end)
      for _ = 1, 3 do copas.step(0) end
      queue:push(1)
      queue:push(2)
      kept = queue
    ]])

    assert.same({ out = "", err = "", code = 0 }, run)
  end)
end)
