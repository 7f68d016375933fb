-- Switches between coroutines of cqueues (cqueues.sleep(0)), and coroutines that are made and end, in batches of 1000.
local figures = dofile(arg[0]:gsub("[^/]*$", "") .. "../common/figures.lua")
local cqueues = require "cqueues"

local times = figures.argument(2000000) / 4

local function measure_switches(name, tasks)
  local loop = cqueues.new()
  local function giving_way()
    for _ = 1, times / tasks do cqueues.sleep(0) end
  end
  for _ = 1, tasks do loop:wrap(giving_way) end
  local start = figures.cpu_time()
  assert(loop:loop())
  figures.print(name, (figures.cpu_time() - start) * 1000 / times, "ns")
end

local function measure_spawns()
  local loop = cqueues.new()
  local batch, ended = 1000, 0
  local function ending_at_once() ended = ended + 1 end
  local count = math.ceil(times / 2 / batch) * batch
  figures.settle()
  local start = figures.cpu_time()
  for _ = 1, count / batch do
    for _ = 1, batch do loop:wrap(ending_at_once) end
    assert(loop:step(0))
  end
  figures.print("spawn", (figures.cpu_time() - start) * 1000 / count, "ns")
  assert(ended == count)
end

measure_switches("switch-2", 2)
measure_switches("switch-100", 100)
measure_spawns()
