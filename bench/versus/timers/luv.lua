-- libuv's timers from Lua, as luv's documentation uses them: one uv_timer_t for each, closed when it has fired; a
-- coroutine that sleeps is resumed by its timer's callback.
local figures = dofile(arg[0]:gsub("[^/]*$", "") .. "../common/figures.lua")
local uv = require "luv"

local count = figures.argument(1000000)

local function sleep(milliseconds)
  local co = coroutine.running()
  local timer = uv.new_timer()
  timer:start(milliseconds, 0, function()
    timer:close()
    assert(coroutine.resume(co))
  end)
  coroutine.yield()
end

local function measure_tasks()
  local alive, most = 0, 0
  local first = 500 + math.floor(count * 10e-3)
  local function sleeper(delay)
    alive = alive + 1
    sleep(delay)
    if alive > most then most = alive end
    alive = alive - 1
  end
  figures.settle()
  local memory = figures.memory()
  local start = figures.cpu_time()
  for number = 1, count do
    coroutine.wrap(sleeper)(first + math.floor(1e-3 * count * figures.spread(number)))
  end
  local grown = figures.memory() - memory
  uv.run()
  figures.print("task", (figures.cpu_time() - start) / count, "us")
  figures.print("task-memory", grown / count, "B")
  assert(most == count, "not all coroutines sleep at once")
end

local function measure_timers()
  local fired = 0
  local function callback() fired = fired + 1 end
  local function create(first)
    local timers = {}
    uv.update_time()
    local start = figures.cpu_time()
    for number = 1, count do
      local timer = uv.new_timer()
      timer:start(first + math.floor(1e-3 * count * figures.spread(number)), 0, callback)
      timers[number] = timer
    end
    return (figures.cpu_time() - start) / count, timers
  end

  local _, timers = create(60000)
  local pairs = 200000
  local another = uv.new_timer()
  local start = figures.cpu_time()
  for _ = 1, pairs do
    another:start(60000, 0, callback)
    another:stop()
  end
  figures.print("set-and-cancel", (figures.cpu_time() - start) / pairs, "us")
  another:close()
  start = figures.cpu_time()
  for _, timer in ipairs(timers) do
    timer:stop()
    timer:close()
  end
  uv.run()
  figures.print("cancel", (figures.cpu_time() - start) / count, "us")
  figures.settle()

  local created
  created, timers = create(500 + math.floor(count * 5e-3))
  figures.print("create", created, "us")
  start = figures.cpu_time()
  uv.run()
  figures.print("fire", (figures.cpu_time() - start) / count, "us")
  assert(fired == count and timers, "not all timers fired")
end

measure_tasks()
figures.settle()
measure_timers()
