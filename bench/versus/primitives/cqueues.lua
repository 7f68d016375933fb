-- The condition variable of cqueues, its one primitive: handed over between two coroutines, and with many that wait.
local figures = dofile(arg[0]:gsub("[^/]*$", "") .. "../common/figures.lua")
local cqueues = require "cqueues"
local condition = require "cqueues.condition"

local times = figures.argument(1000000) / 4

local function measure_queue()
  local loop = cqueues.new()
  local there, back = { changed = condition.new() }, { changed = condition.new() }
  local function pop(from)
    while #from == 0 do from.changed:wait() end
    return table.remove(from, 1)
  end
  local function push(to, item)
    to[#to + 1] = item
    to.changed:signal(1)
  end
  local function passing(from, to)
    return function()
      for _ = 1, times / 2 do push(to, pop(from)) end
    end
  end
  push(there, 1)
  loop:wrap(passing(there, back))
  loop:wrap(passing(back, there))
  local start = figures.cpu_time()
  assert(loop:loop())
  figures.print("queue-handed-over", (figures.cpu_time() - start) * 1000 / times, "ns")
end

local function measure_crowd()
  local crowd = times * 4 / 10
  for _, timed_out in ipairs { false, true } do
    local loop = cqueues.new()
    local store = condition.new()
    local ended = 0
    local patience = timed_out and 0.1 + crowd * 20e-6 or nil
    for _ = 1, crowd do
      loop:wrap(function()
        store:wait(patience)
        ended = ended + 1
      end)
    end
    loop:step(0)
    figures.settle()
    local start = figures.cpu_time()
    if not timed_out then store:signal() end
    assert(loop:loop())
    local name = timed_out and "crowd-timed-out" or "crowd-destroyed"
    figures.print(name, (figures.cpu_time() - start) * 1000 / crowd, "ns")
    assert(ended == crowd)
  end
end

measure_queue()
measure_crowd()
