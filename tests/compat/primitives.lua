-- Locks, semaphores, queues with workers, futures and timers.
local copas = require("copas")
local lock = require("copas.lock")
local semaphore = require("copas.semaphore")
local queue = require("copas.queue")
local future = require("copas.future")
local timer = require("copas.timer")

-- A lock: one at a time, in turn; timeouts do not disturb the line.
copas.loop(function()
  local gate = lock.new(5)
  local inside, order = 0, {}
  for number = 1, 5 do
    copas.addthread(function()
      local waited = assert(gate:get())
      assert(waited >= 0)
      inside = inside + 1
      assert(inside == 1)
      copas.pause(0.002)
      inside = inside - 1
      order[#order + 1] = number
      assert(gate:release())
    end)
  end
  copas.addthread(function()
    local ok, err, waited = gate:get(0.001)
    assert(ok == nil and err == "timeout" and waited >= 0.001)
  end)
  copas.pause(0.1)
  assert(table.concat(order) == "12345", table.concat(order))
  assert(gate:get() == 0 and gate:get() == 0) -- by the same thread again
  assert(gate:release() and gate:release())
  local ok, err = gate:release()
  assert(ok == nil and err == "cannot release a lock not owned")
  assert(gate:destroy())
  ok, err = gate:get()
  assert(ok == nil and err == "destroyed")
end)

-- A semaphore: a thousand who want, few resources.
copas.loop(function()
  local store = semaphore.new(10, 5, 1)
  local busy, most, done = 0, 0, 0
  for _ = 1, 1000 do
    copas.addthread(function()
      assert(store:take(2))
      busy = busy + 2
      most = math.max(most, busy)
      copas.pause(0)
      busy = busy - 2
      done = done + 1
      store:give(2)
    end)
  end
  copas.pause(0)
  while done < 1000 do copas.pause(0.001) end
  assert(most == 4, most)
  assert(store:get_count() == 5)
  assert(store:get_wait() == -5)
  local ok, err = store:take(11, 0)
  assert(ok == nil and err == "too many")
  ok, err = store:give(100)
  assert(ok == nil and err == "too many")
  assert(store:get_count() == 10)
end)

-- A queue with workers, one of which fails.
local failures = 0
copas.loop(function()
  local jobs = queue:new { name = "jobs" }
  local results = {}
  for _ = 1, 3 do
    jobs:add_worker(function(item)
      copas.seterrorhandler(function() failures = failures + 1 end)
      if item == "bad" then error("a bad item") end
      copas.pause(0.001)
      results[#results + 1] = item
    end)
  end
  assert(jobs:push("bad"))
  for item = 1, 20 do assert(jobs:push(item)) end
  assert(jobs:get_size() == 21)
  assert(jobs:finish(5))
  assert(#results == 20, #results)
  local ok, err = jobs:push("late")
  assert(ok == nil and err == "destroyed")
  assert(jobs:destroy() == nil)
end)
assert(failures == 1)

-- Futures.
copas.loop(function()
  local good = future.addnamedthread("adder", function(a, b)
    copas.pause(0.001)
    return a + b, nil
  end, 1, 2)
  local bad = future.addthread(function() error({ "a table" }) end)
  local never = future.addthread(function() copas.pauseforever() end)
  assert(good:try() == future.PENDING)
  local ok, sum = good:get()
  assert(ok == true and sum == 3 and select("#", good()) == 3)
  local failed, err = bad:get()
  assert(failed == false and err[1] == "a table")
  assert(bad:try() == future.ERROR)
  assert(never:cancel() == true and never:cancel() == false)
  assert(select(2, never:get()) == "cancelled")
end)

-- Timers.
copas.loop(function()
  local ticks, params = 0, { "params" }
  local done = semaphore.new(1, 0, 5)
  local ticker
  ticker = timer.new {
    delay = 0.005,
    recurring = true,
    params = params,
    callback = function(self, given)
      assert(self == ticker and given == params)
      ticks = ticks + 1
      if ticks == 3 then
        assert(self:cancel() == self)
        local ok, err = self:cancel()
        assert(ok == nil and err == "not armed")
        done:give()
      end
    end,
  }
  local ok, err = ticker:arm()
  assert(ok == nil and err == "already armed")
  assert(done:take())
  assert(ticks == 3)
  assert(ticker:arm(0) == ticker)
  copas.pause(0.001)
  ticker:cancel()
end)
print("ok")
