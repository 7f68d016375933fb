-- The floor: coroutines that yield once and end, all alive at once, without a scheduler; resumed in no order, as those
-- that sleep for different times are, and in that of their beginning.
local figures = dofile(arg[0]:gsub("[^/]*$", "") .. "../common/figures.lua")

local count = figures.argument(1000000)
local create, resume, yield = coroutine.create, coroutine.resume, coroutine.yield

local function sleeper(delay)
  yield(delay)
end

-- `order(number)` is the one to be resumed as that: a scheduler gets to them when their time has come.
local function measure(name, order)
  figures.settle()
  local memory = figures.memory()
  local start = figures.cpu_time()
  local alive = {}
  for number = 1, count do
    local co = create(sleeper)
    resume(co, figures.spread(number))
    alive[number] = co
  end
  local grown = figures.memory() - memory
  for number = 1, count do
    local next = order(number)
    resume(alive[next])
    alive[next] = false
  end
  figures.print(name, (figures.cpu_time() - start) / count, "us")
  return grown / count
end

local stride = 0 -- near the golden ratio, and without a common divisor with the count
for candidate = math.floor(count * 0.6180339887498949), count do
  local a, b = count, candidate
  while b > 0 do a, b = b, a % b end
  stride = candidate
  if a == 1 then break end
end
local memory = measure("task", function(number) return number * stride % count + 1 end)
figures.print("task-memory", memory, "B")
measure("task-in-order", function(number) return number end)
