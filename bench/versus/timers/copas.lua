-- Threads that sleep and end, all alive at once; copas.timeout; and the module's timers.
local figures = dofile(arg[0]:gsub("[^/]*$", "") .. "../common/figures.lua")
local copas = require "copas"

local count = figures.argument(1000000)

local function measure_tasks()
  local alive, most, grown = 0, 0, 0
  local first
  local function sleeper(delay)
    alive = alive + 1
    copas.pause(first + delay)
    if alive > most then most = alive end
    alive = alive - 1
  end
  figures.settle()
  local memory = figures.memory()
  local start = figures.cpu_time()
  local begun = copas.gettime()
  for number = 1, count do
    copas.addthread(sleeper, 1e-6 * count * figures.spread(number))
  end
  copas.addthread(function() grown = figures.memory() - memory end)
  first = 0.1 + 2 * (copas.gettime() - begun) -- all sleep before that: to begin takes less time than to be made
  copas.loop()
  figures.print("task", (figures.cpu_time() - start) / count, "us")
  figures.print("task-memory", grown / count, "B")
  assert(most == count, "not all threads sleep at once")
end

local function measure_tasks_in_order()
  local time
  local function sleeper() copas.pause(time) end
  figures.settle()
  local start, begun = figures.cpu_time(), copas.gettime()
  for _ = 1, count do copas.addthread(sleeper) end
  time = 0.1 + 2 * (copas.gettime() - begun)
  copas.loop()
  figures.print("task-in-order", (figures.cpu_time() - start) / count, "us")
end

local function measure_timeouts()
  local pairs = 200000
  local function late() end
  copas.addthread(function()
    local start = figures.cpu_time()
    for _ = 1, pairs do
      copas.timeout(60, late)
      copas.timeout(0)
    end
    figures.print("set-and-cancel", (figures.cpu_time() - start) / pairs, "us")
  end)
  copas.loop()
end

local function measure_timers()
  local most = math.min(count, 200000) -- as good as a million, which would take minutes
  local fired = 0
  local function callback() fired = fired + 1 end
  local function create(first)
    local timers = {}
    local start = figures.cpu_time()
    for number = 1, most do
      timers[number] = copas.timer.new { delay = first + 1e-6 * most * figures.spread(number), callback = callback }
    end
    return (figures.cpu_time() - start) / most, timers
  end

  copas.addthread(function()
    local _, timers = create(60)
    copas.pause()
    local start = figures.cpu_time()
    for _, timer in ipairs(timers) do timer:cancel() end
    figures.print("cancel", (figures.cpu_time() - start) / most, "us")
  end)
  copas.loop()
  figures.settle()

  local created = create(0.5 + most * 15e-6)
  figures.print("create", created, "us")
  local start = figures.cpu_time()
  copas.loop()
  figures.print("fire", (figures.cpu_time() - start) / most, "us")
  assert(fired == most, "not all timers fired")
end

measure_tasks()
figures.settle()
measure_tasks_in_order()
figures.settle()
measure_timeouts()
measure_timers()
