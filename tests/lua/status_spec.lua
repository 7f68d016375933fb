local loop = require("support.loop")
local sockets = require("support.sockets")

describe("copas.status", function()
  local copas, socket

  before_each(function()
    copas = loop.fresh()
    socket = require("copas.socket")
  end)

  it("is a new table each time", function()
    assert.is_not.equal(copas.status(), copas.status())
  end)

  it("counts nothing where nothing is", function()
    assert.same({ running = false, timeout = 0, timer = 0, inactive = 0, read = 0, write = 0, active = 0 }, copas.status())
  end)

  it("counts threads by what they wait for", function()
    local left, silent = sockets.pair(socket)
    local right, deaf = sockets.pair(socket)
    local server = socket.bind("127.0.0.1", 0)
    local status, sleeper
    loop.run(copas, function()
      copas.addserver(server, function() end)
      copas.addthread(function() copas.receive(left) end)
      copas.addthread(function() copas.send(right, ("x"):rep(2e7)) end)
      copas.addthread(function() copas.pause(60) end)
      sleeper = copas.addthread(function() copas.pauseforever() end)
      copas.addthread(function() copas.waitforexit() end)
      copas.timeout(60, function() end)
      copas.pause(0.001)
      copas.addthread(function() end)
      status = copas.status()
      copas.cancelall()
    end)

    for _, kept in ipairs { sleeper, silent, deaf } do assert.is_not_nil(kept) end -- nothing was collected before
    assert.is_true(status.running)
    assert.equal(1, status.timeout)
    assert.equal(1, status.timer)
    assert.equal(2, status.inactive)
    assert.equal(1, status.active)
    assert.equal(1, status.write)
    assert.equal(2, status.read) -- the server and the reader
  end)

  it("does not count a thread that was removed", function()
    local co = copas.addthread(function() copas.pause(60) end)
    copas.step(0)
    assert.equal(1, copas.status().timer)

    copas.removethread(co)

    assert.equal(0, copas.status().timer)
  end)

  describe("with statistics", function()
    local fields = { "steps", "time_start", "time_end", "time_tot", "time_avg", "duration_tot", "duration_min",
                     "duration_max", "duration_avg", "duration_min_ever", "duration_max_ever" }

    local function work(steps)
      copas.addthread(function()
        for _ = 1, steps do copas.pause(0.001) end
      end)
      copas.loop()
    end

    it("has no figures of steps before they are switched on, nor in the calls that switch", function()
      for _, status in ipairs { copas.status(), copas.status(true), copas.status(false), copas.status() } do
        for _, field in ipairs(fields) do assert.is_nil(status[field]) end
      end
    end)

    it("has all figures once they are on", function()
      copas.status(true)
      work(3)

      local status = copas.status("anything else changes nothing")

      for _, field in ipairs(fields) do assert.equal("number", type(status[field]), field) end
      assert.is_true(status.steps >= 3)
      assert.is_true(status.time_tot >= 0.003)
      assert.is_true(status.duration_min <= status.duration_avg and status.duration_avg <= status.duration_max)
    end)

    it("counts what threads do, not what they wait", function()
      copas.status(true)
      copas.addthread(function() copas.pause(0.2) end)
      copas.loop()

      local status = copas.status()

      assert.is_true(status.time_tot >= 0.2)
      assert.is_true(status.duration_tot < 200)
    end)

    it("counts each step also where threads are always ready", function()
      copas.status(true)
      copas.addthread(function()
        for _ = 1, 100 do copas.pause() end
      end)
      copas.loop()

      assert.is_true(copas.status().steps >= 100)
    end)

    it("starts anew with each call, but for the extremes ever", function()
      copas.status(true)
      copas.addthread(function()
        local stop = os.clock() + 0.005
        repeat until os.clock() > stop
      end)
      copas.loop()
      local slow = copas.status()
      work(2)

      local later = copas.status()

      assert.is_true(slow.duration_max >= 5)
      assert.equal(slow.duration_max, later.duration_max_ever)
      assert.is_true(later.steps < 100)
      assert.equal(slow.time_end, later.time_start)
    end)

    it("forgets the extremes when they are switched on again", function()
      copas.status(true)
      work(1)
      copas.status(true)

      local status = copas.status()

      assert.equal(0, status.steps)
      assert.is_nil(status.duration_max_ever)
    end)
  end)
end)
