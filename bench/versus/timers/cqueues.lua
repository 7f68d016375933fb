-- Coroutines of cqueues that sleep and end, all alive at once. It has no timers that could be cancelled.
local figures = dofile(arg[0]:gsub("[^/]*$", "") .. "../common/figures.lua")
local cqueues = require "cqueues"

local count = figures.argument(1000000)
local alive, most = 0, 0
local first = 0.5 + count * 20e-6

local function sleeper(delay)
  alive = alive + 1
  cqueues.sleep(delay)
  if alive > most then most = alive end
  alive = alive - 1
end

figures.settle()
local memory = figures.memory()
local start = figures.cpu_time()
local loop = cqueues.new()
for number = 1, count do
  local delay = first + 1e-6 * count * figures.spread(number)
  loop:wrap(function() sleeper(delay) end)
end
loop:step(0)
local grown = figures.memory() - memory
assert(loop:loop())
figures.print("task", (figures.cpu_time() - start) / count, "us")
figures.print("task-memory", grown / count, "B")
assert(most == count, "not all coroutines sleep at once")
