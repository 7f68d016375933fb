-- copas.status: how many threads there are, what they wait for, and what the steps of the loop cost.
local copas, internal = ...
local native = internal.native

local counting = false

local function rounded(number, digits)
  local unit = 10 ^ digits
  return math.floor(number * unit + 0.5) / unit
end

local function milliseconds(seconds)
  return rounded(seconds * 1000, 3)
end

-- Adds what was counted since the last call.
local function add_steps(status)
  local counted = native.steps()
  status.steps = counted.steps
  status.time_start = rounded(counted.start, 3)
  status.time_end = rounded(counted.stop, 3)
  status.time_tot = rounded(counted.stop - counted.start, 3)
  if counted.steps == 0 then return end
  status.time_avg = milliseconds((counted.stop - counted.start) / counted.steps)
  status.duration_tot = milliseconds(counted.total)
  status.duration_min = milliseconds(counted.min)
  status.duration_max = milliseconds(counted.max)
  status.duration_avg = milliseconds(counted.total / counted.steps)
  status.duration_min_ever = milliseconds(counted.min_ever)
  status.duration_max_ever = milliseconds(counted.max_ever)
end

local function status_now(enable)
  local status = native.tasks()
  status.running = copas.running
  if internal.guest then status.inactive = status.inactive - 1 end -- it is in copas.loop, as a main program would be
  if enable == true or enable == false then
    counting = enable
    native.count_steps(enable)
  elseif counting then
    add_steps(status)
  end
  return status
end

return { status = status_now }
