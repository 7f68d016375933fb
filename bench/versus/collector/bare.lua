-- The longest stop that Lua's collector makes while coroutines are parked and a program makes garbage.
local figures = dofile(arg[0]:gsub("[^/]*$", "") .. "../common/figures.lua")
local longest_stop = dofile(arg[0]:gsub("[^/]*$", "") .. "longest_stop.lua")

local count = figures.argument(100000)
if arg[2] == "incremental" then collectgarbage("incremental") end

local function parked() coroutine.yield() end
local alive = {}
for number = 1, count do
  alive[number] = coroutine.create(parked)
  coroutine.resume(alive[number])
end
figures.print("longest-stop", longest_stop(), "ms")
