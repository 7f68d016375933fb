local loop = require("support.loop")

local pack = require("support.check").pack

describe("a thread that wants a lock gives up", function()
  local copas, order, note

  before_each(function()
    copas, order, note = loop.noting()
  end)

  -- What `get` gives with these arguments while another thread holds the lock for 50 ms; and whether it held it still.
  local function get_held(lock, ...)
    local got, held
    local arguments = pack(...)
    copas.addthread(function()
      lock:get()
      held = true
      copas.pause() -- until the other waits, too
      copas.pause(0.05)
      held = false
      lock:release()
    end)
    local still_held
    copas.addthread(function()
      got = pack(lock:get(arguments[1]))
      still_held = held
    end)
    copas.loop()
    return got, still_held
  end

  it("after its timeout", function()
    local got, still_held = get_held(copas.lock.new(0.01))

    assert.is_true(still_held)
    assert.equal(3, got.n)
    assert.is_nil(got[1])
    assert.equal("timeout", got[2])
    assert.is_true(got[3] >= 0.01)
  end)

  it("after the timeout of the call", function()
    assert.equal("timeout", get_held(copas.lock.new(), 0.01)[2])
    assert.equal(1, get_held(copas.lock.new(0.01), 5).n)
    assert.equal(1, get_held(copas.lock.new(0.01), math.huge).n)
  end)

  it("after the timeout that its field says at that time", function()
    local lock = copas.lock.new()
    lock.timeout = 0.01

    assert.equal("timeout", get_held(lock)[2])
  end)

  it("at once, without a wait, if the timeout is 0", function()
    local lock = copas.lock.new()
    local got
    loop.run(copas, function()
      lock:get()
      copas.pause()
      lock:release()
    end, function()
      copas.addthread(note, "other")
      got = pack(lock:get(0))
      note("done")
    end)

    assert.same({ n = 3, nil, "timeout", 0 }, got)
    assert.same({ { "done" }, { "other" } }, order)
  end)

  it("for good, so that the lock does not come to it later", function()
    local lock = copas.lock.new()
    local slept
    local holder = copas.addthread(function()
      lock:get()
      copas.pauseforever()
      lock:release()
      note("free", lock:get(0))
      lock:release()
    end)
    loop.run(copas, function()
      lock:get(0)
      slept = copas.pause(0.05)
    end, function()
      lock:get(0.01)
      copas.wakeup(holder)
      copas.pause()
      note("released", lock:release())
    end)

    assert.is_true(slept > 0.05)
    assert.same({ { "free", 0 }, { "released", nil, "cannot release a lock not owned" } }, order)
  end)

  it("after different times in many threads, of which the others get it", function()
    local lock = copas.lock.new()
    local timed_out, got = 0, 0
    local holder = copas.addthread(function()
      lock:get()
      copas.pauseforever() -- until all have given up who will
      lock:release()
    end)
    for index = 1, 600 do
      copas.addthread(function()
        local waited, err = lock:get(index % 2 == 0 and 60 or index / 10000)
        if waited then
          got = got + 1
          lock:release()
        else
          assert(err == "timeout")
          timed_out = timed_out + 1
          if timed_out == 300 then copas.wakeup(holder) end
        end
      end)
    end
    copas.loop()

    assert.equal(300, timed_out)
    assert.equal(300, got)
  end)

  it("leaving nothing behind that the loop waits for", function()
    local lock = copas.lock.new()
    local start = copas.gettime()
    loop.run(copas, function()
      lock:get()
      copas.pause()
      assert.equal(1, copas.gettimeouts())
      lock:release()
      assert.equal(0, copas.gettimeouts())
    end, function() assert(lock:get(3600)) end)

    assert.is_true(copas.gettime() - start < 60)
  end)

  it("without a timer if the timeout is infinite", function()
    local lock = copas.lock.new(math.huge)
    copas.addthread(function()
      lock:get()
      copas.pauseforever()
    end)
    copas.addthread(function() lock:get() end)
    copas.step(0)
    copas.step(0)

    assert.equal(0, copas.gettimeouts())
    copas.loop()
  end)

  it("never with a negative timeout, which is an error where it matters", function()
    local lock = copas.lock.new()
    local ok, err
    loop.run(copas, function()
      lock:get(-1)
      copas.pause()
    end, function() ok, err = pcall(function() lock:get(-1) end) end)

    assert.is_false(ok)
    assert.matches("expected a timeout greater than or equal to 0", err)
  end)
end)
