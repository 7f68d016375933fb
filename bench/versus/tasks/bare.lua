-- The floor: pairs of coroutine.resume and coroutine.yield, and coroutines that are made and end, in batches of 1000,
-- without a scheduler.
local figures = dofile(arg[0]:gsub("[^/]*$", "") .. "../common/figures.lua")

local times = figures.argument(2000000)
local create, resume, yield = coroutine.create, coroutine.resume, coroutine.yield

local function giving_way()
  while true do yield() end
end

local function measure_switches(name, tasks)
  local alive = {}
  for task = 1, tasks do alive[task] = create(giving_way) end
  figures.settle()
  local start = figures.cpu_time()
  for _ = 1, times / tasks do
    for task = 1, tasks do resume(alive[task]) end
  end
  figures.print(name, (figures.cpu_time() - start) * 1000 / times, "ns")
end

local function measure_spawns()
  local batch, ended = 1000, 0
  local function ending_at_once() ended = ended + 1 end
  local count = math.ceil(times / 2 / batch) * batch
  figures.settle()
  local start = figures.cpu_time()
  for _ = 1, count / batch do
    local alive = {}
    for task = 1, batch do alive[task] = create(ending_at_once) end
    for task = 1, batch do resume(alive[task]) end
  end
  figures.print("spawn", (figures.cpu_time() - start) * 1000 / count, "ns")
  assert(ended == count)
end

measure_switches("switch-2", 2)
measure_switches("switch-100", 100)
measure_spawns()
