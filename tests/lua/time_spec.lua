local loop = require("support.loop")
local sockets = require("support.sockets")

describe("waiting for time", function()
  local copas

  before_each(function() copas = loop.fresh() end)

  it("tells how long pause took, and is never short", function()
    loop.run(copas, function()
      for _, time in ipairs { 0.0001, 0.001, 0.0123, 0.05 } do
        local start = copas.gettime()
        local slept = copas.pause(time)
        local took = copas.gettime() - start
        assert.is_true(took > time, "took " .. took .. " instead of " .. time)
        assert.is_true(slept >= time and slept < time + 2)
      end
    end)
  end)

  it("is not measured by copas.gettime", function()
    copas.gettime = function() return 0 end
    local elapsed
    copas.loop(function() elapsed = copas.pause(0.01) end)

    assert.is_true(elapsed >= 0.01)
  end)

  it("only gives way for nil, zero and negative times", function()
    loop.run(copas, function()
      for _, time in ipairs { false, 0, -1, -0.5 } do
        local slept = copas.pause(time or nil)
        assert.equal("number", type(slept))
        assert.is_true(slept >= 0 and slept < 1)
      end
    end)
  end)

  it("does not take what is no number", function()
    loop.run(copas, function()
      assert.has_error(function() copas.pause({}) end)
      assert.has_error(function() copas.pause("soon") end)
      assert.has_error(function() copas.pause(true) end)
    end)
  end)

  it("may be for a time beyond all clocks", function()
    local slept
    local sleeper = copas.addthread(function() slept = { copas.pause(math.huge), copas.pause(1e300) } end)
    loop.run(copas, function()
      copas.pause()
      copas.wakeup(sleeper)
      copas.pause()
      copas.pause()
      copas.wakeup(sleeper)
    end)

    assert.equal(2, #slept)
  end)

  it("ends pause early when the thread is woken, with the shorter time", function()
    local slept
    local sleeper = copas.addthread(function() slept = copas.pause(60) end)
    loop.run(copas, function()
      copas.pause(0.01)
      assert.is_true(copas.wakeup(sleeper))
      assert.is_nil(slept)
    end)

    assert.is_true(slept >= 0.01 and slept < 30)
  end)

  it("ends pauseforever when the thread is woken, with the time it took", function()
    local slept, count
    local sleeper = copas.addthread(function()
      slept = copas.pauseforever()
      count = select("#", copas.pauseforever())
    end)
    loop.run(copas, function()
      copas.pause(0.02)
      assert.is_true(copas.wakeup(sleeper))
      copas.pause()
      copas.pause()
      assert.is_true(copas.wakeup(sleeper))
    end)

    assert.is_true(slept >= 0.02 and slept < 30)
    assert.equal(1, count)
  end)

  it("may be repeated for ever by a thread that is woken each time", function()
    local rounds = 0
    local sleeper = copas.addthread(function()
      while true do
        copas.pauseforever()
        rounds = rounds + 1
      end
    end)
    loop.run(copas, function()
      copas.pause()
      for _ = 1, 100 do
        assert.is_true(copas.wakeup(sleeper))
        copas.pause()
        collectgarbage("step")
      end
    end)

    assert.equal(100, rounds)
  end)

  it("runs a woken thread in the next step, never inside wakeup", function()
    local order = {}
    local sleeper = copas.addthread(function()
      copas.pauseforever()
      order[#order + 1] = "woken"
    end)
    loop.run(copas, function()
      copas.pause()
      copas.wakeup(sleeper)
      order[#order + 1] = "waker"
      copas.pause()
      order[#order + 1] = "waker again"
    end)

    assert.same({ "waker", "woken", "waker again" }, order)
  end)

  it("tells that there was nobody to wake", function()
    loop.run(copas, function()
      local dead = copas.addthread(function() end)
      local unborn = copas.addthread(function() end)
      assert.same({ nil, "not sleeping" }, { copas.wakeup(unborn) })
      local pausing = copas.addthread(function() copas.pause() copas.pause() end)
      copas.pause()
      assert.same({ nil, "not sleeping" }, { copas.wakeup(pausing) })
      assert.same({ nil, "not sleeping" }, { copas.wakeup(dead) })
      assert.same({ nil, "not sleeping" }, { copas.wakeup(nil) })
      assert.same({ nil, "not sleeping" }, { copas.wakeup(coroutine.create(function() end)) })
      assert.same({ nil, "not sleeping" }, { copas.wakeup((coroutine.running())) })
      assert.same({ nil, "not sleeping" }, { copas.wakeup() })
    end)
  end)

  it("does not remember a wakeup for the next pause", function()
    loop.run(copas, function()
      copas.wakeup((coroutine.running()))
      local slept = copas.pause(0.02)
      assert.is_true(slept >= 0.02)
    end)
  end)

  it("is not ended by a wakeup when it is for a socket", function()
    local server, client = sockets.pair((require("copas.socket")))
    local got
    local reader = copas.addthread(function() got = copas.receive(server) end)
    loop.run(copas, function()
      copas.pause()
      assert.same({ nil, "not sleeping" }, { copas.wakeup(reader) })
      copas.pause(0.01)
      assert.is_nil(got)
      copas.send(client, "line\n")
    end)

    assert.equal("line", got)
  end)

  it("has an older form that returns nothing", function()
    local count, forever
    local sleeper = copas.addthread(function()
      copas.sleep(-1)
      forever = "woken"
    end)
    loop.run(copas, function()
      count = select("#", copas.sleep(0.01)) + select("#", copas.sleep()) + select("#", copas.sleep(0))
      copas.wakeup(sleeper)
      copas.pause()
      copas.pause()
    end)

    assert.equal(0, count)
    assert.equal("woken", forever)
  end)

  it("is an error outside of threads", function()
    for _, name in ipairs { "pause", "pauseforever", "sleep", "waitforexit" } do
      local ok, err = pcall(copas[name])
      assert.is_false(ok, name)
      assert.matches("attempt to yield from outside a coroutine", err)
    end
  end)

  it("is fair to those that only give way", function()
    local turns = { 0, 0 }
    loop.run(copas, function()
      for _ = 1, 100 do copas.pause() turns[1] = turns[1] + 1 end
    end, function()
      for _ = 1, 100 do
        copas.pause()
        turns[2] = turns[2] + 1
        assert.is_true(math.abs(turns[1] - turns[2]) <= 1)
      end
    end)
  end)
end)
