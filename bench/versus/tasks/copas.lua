-- Switches between threads that are always ready, and threads that are made and end at once, in batches of 1000.
local figures = dofile(arg[0]:gsub("[^/]*$", "") .. "../common/figures.lua")
local copas = require "copas"

local times = figures.argument(2000000)

local function measure_switches(name, tasks)
  local pause = copas.pause
  local function giving_way()
    for _ = 1, times / tasks do pause(0) end
  end
  figures.settle()
  for _ = 1, tasks do copas.addthread(giving_way) end
  local start = figures.cpu_time()
  copas.loop()
  figures.print(name, (figures.cpu_time() - start) * 1000 / times, "ns")
end

local function measure_spawns()
  local batch, ended = 1000, 0
  local function ending_at_once() ended = ended + 1 end
  local count = math.ceil(times / 2 / batch) * batch
  figures.settle()
  local start = figures.cpu_time()
  for _ = 1, count / batch do
    for _ = 1, batch do copas.addthread(ending_at_once) end
    copas.step(0)
  end
  figures.print("spawn", (figures.cpu_time() - start) * 1000 / count, "ns")
  assert(ended == count)
end

measure_switches("switch-2", 2)
measure_switches("switch-100", 100)
measure_spawns()
