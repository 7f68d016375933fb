-- What primitives cost where nobody has to wait, counted: memory of Lua's, and turns of other threads.
local loop = require("support.loop")

describe("where nobody has to wait, no memory is used, and no other thread gets a turn, when", function()
  local copas

  before_each(function()
    copas = loop.fresh()
    if jit then jit.off() end -- compiling takes memory
    collectgarbage("stop")
  end)
  after_each(function()
    collectgarbage("restart")
    if jit then jit.on() end
  end)

  local function check(operation)
    local grown, disturbed = math.huge, nil
    loop.run(copas, function()
      copas.addthread(function() disturbed = disturbed == nil end)
      for _ = 1, 5 do -- in the first times Lua may make room for what it will need again
        local before = collectgarbage("count")
        for _ = 1, 200 do operation() end
        grown = math.min(grown, collectgarbage("count") - before)
      end
      disturbed = disturbed or false
    end)

    assert.equal(0, grown)
    assert.is_false(disturbed)
  end

  it("a lock is got and released", function()
    local lock = copas.lock.new()
    check(function()
      assert(lock:get())
      assert(lock:release())
    end)
  end)

  it("a lock is got again by its holder", function()
    local lock = copas.lock.new()
    check(function()
      assert(lock:get(5))
      assert(lock:get(5))
      assert(lock:release())
      assert(lock:release())
    end)
  end)

  it("resources of a semaphore are taken and given", function()
    local semaphore = copas.semaphore.new(10, 5)
    check(function()
      assert(semaphore:take(3))
      assert(semaphore:give(3))
    end)
  end)

  it("an item is pushed to a queue and popped", function()
    local queue = copas.queue.new()
    for item = 1, 100 do queue:push(item) end
    check(function()
      assert(queue:push("item"))
      assert(queue:pop())
    end)
  end)

  it("a timeout is set and cancelled", function()
    local function late() end
    check(function()
      copas.timeout(60, late)
      copas.timeout(0)
    end)
  end)
end)
