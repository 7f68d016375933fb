-- The longest stop that Lua's collector makes while threads are parked and a program makes garbage.
local figures = dofile(arg[0]:gsub("[^/]*$", "") .. "../common/figures.lua")
local longest_stop = dofile(arg[0]:gsub("[^/]*$", "") .. "longest_stop.lua")
local copas = require "copas"

local count = figures.argument(100000)

local function parked() copas.pause(3600) end
for _ = 1, count do copas.addthread(parked) end
copas.addthread(function()
  copas.pause()
  figures.print("longest-stop", longest_stop(), "ms")
  os.exit(0, false)
end)
copas.loop()
