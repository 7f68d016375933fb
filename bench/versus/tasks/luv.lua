-- libuv has no tasks: a coroutine that gives way is resumed by a timer of its own that is due at once, and one that
-- begins in the next turn by a timer as well, which is how luv programs schedule.
local figures = dofile(arg[0]:gsub("[^/]*$", "") .. "../common/figures.lua")
local uv = require "luv"

local times = figures.argument(2000000) / 4

local function measure_switches(name, tasks)
  local function giving_way()
    local co = coroutine.running()
    local timer = uv.new_timer()
    local function go_on() coroutine.resume(co) end
    for _ = 1, times / tasks do
      timer:start(0, 0, go_on)
      coroutine.yield()
    end
    timer:close()
  end
  for _ = 1, tasks do coroutine.wrap(giving_way)() end
  local start = figures.cpu_time()
  uv.run()
  figures.print(name, (figures.cpu_time() - start) * 1000 / times, "ns")
end

local function measure_spawns()
  local batch, ended = 1000, 0
  local function ending_at_once() ended = ended + 1 end
  local count = math.ceil(times / 2 / batch) * batch
  figures.settle()
  local start = figures.cpu_time()
  for _ = 1, count / batch do
    for _ = 1, batch do
      local timer = uv.new_timer()
      timer:start(0, 0, function()
        timer:close()
        coroutine.wrap(ending_at_once)()
      end)
    end
    uv.run()
  end
  figures.print("spawn", (figures.cpu_time() - start) * 1000 / count, "ns")
  assert(ended == count)
end

measure_switches("switch-2", 2)
measure_switches("switch-100", 100)
measure_spawns()
