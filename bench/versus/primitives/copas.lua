-- Locks, semaphores and queues: without a wait, handed over between two threads, and with many threads that wait.
local figures = dofile(arg[0]:gsub("[^/]*$", "") .. "../common/figures.lua")
local copas = require "copas"

local times = figures.argument(1000000)

local function measure(name, ...)
  for _, body in ipairs { ... } do copas.addthread(body) end
  local start = figures.cpu_time()
  copas.loop()
  figures.print(name, (figures.cpu_time() - start) * 1000 / times, "ns")
end

local lock = copas.lock.new()
measure("lock", function()
  for _ = 1, times do
    assert(lock:get())
    lock:release()
  end
end)

local semaphore = copas.semaphore.new(1, 1)
measure("semaphore", function()
  for _ = 1, times do
    assert(semaphore:take())
    semaphore:give()
  end
end)

local queue = copas.queue.new()
measure("queue", function()
  for time = 1, times do
    queue:push(time)
    assert(queue:pop() == time)
  end
end)

local function holding()
  for _ = 1, times / 2 do
    lock:get()
    copas.pause(0) -- so that the other one waits
    lock:release()
  end
end
measure("lock-handed-over", holding, holding)

local back = copas.queue.new()
local function passing(from, to)
  return function()
    for _ = 1, times / 2 do to:push(from:pop()) end
  end
end
queue:push(1)
measure("queue-handed-over", passing(queue, back), passing(back, queue))

local crowd = times / 10
for _, timed_out in ipairs { false, true } do
  local store = copas.semaphore.new(1)
  local ended = 0
  local patience = timed_out and 0.1 + crowd * 5e-6 or math.huge
  local function waiting()
    if not store:take(1, patience) then ended = ended + 1 end
  end
  for _ = 1, crowd do copas.addthread(waiting) end
  copas.step(0)
  figures.settle()
  local start = figures.cpu_time()
  if not timed_out then store:destroy() end
  copas.loop()
  local name = timed_out and "crowd-timed-out" or "crowd-destroyed"
  figures.print(name, (figures.cpu_time() - start) * 1000 / crowd, "ns")
  assert(ended == crowd, "all have waited in vain")
end
