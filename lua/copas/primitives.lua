-- What locks, semaphores and the like have in common.
local primitives = {}

local default_timeout = 10 -- seconds

---Checks the timeout that an object is made with.
---@param timeout any      a number or a numeric string; nothing is the default
---@param position string  of the argument, for the error, which is that of the caller's caller
---@return number seconds
function primitives.check_timeout(timeout, position)
  local seconds = tonumber(timeout or default_timeout)
  if not (seconds and seconds >= 0) then
    error(("expected timeout (%s argument) to be a number greater than or equal to 0, got: %s"):format(position,
      tostring(timeout)), 3)
  end
  return seconds
end

---Checks how long a call, which has to wait, may do so. An error is that of the caller's caller.
---@param timeout any  seconds; nothing is the default
---@return number seconds
function primitives.check_patience(timeout)
  local seconds = tonumber(timeout or default_timeout)
  if not (seconds and seconds >= 0) then
    error("expected a timeout greater than or equal to 0, got: " .. tostring(timeout), 3)
  end
  return seconds
end

local function refuse() return nil, "destroyed" end

-- A destroyed object keeps its data; whatever else it is asked for is a function that refuses.
primitives.destroyed = { __index = function() return refuse end }

---Makes the method `destroy` of one that lets the waiting threads go.
---@param release fun(object: table)
---@return fun(object: table): true?, string?
function primitives.destroyer(release)
  return function(object)
    if object.destroyed then return nil, "destroyed" end
    release(object)
    object.destroyed = true
    setmetatable(object, primitives.destroyed)
    return true
  end
end

return primitives
