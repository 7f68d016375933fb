-- copas.semaphore: a store of resources that threads take and give. It is native but for what is here.
local _, internal = ...
local native, primitives = internal.native, internal.load("primitives")

local semaphore = native.semaphore_methods()
local metatable = { __index = semaphore }

semaphore.destroy = primitives.destroyer(semaphore.destroy)

---@param max number  1 or more; what is given beyond is lost
---@param start number?  resources at first; 0 by default
---@param timeout number|string?  seconds that `take` waits at most if nothing else is said; 10 by default
local function new(max, start, timeout)
  if type(max) ~= "number" or max < 1 or max ~= max then
    error("expected max resources (1st argument) to be a number greater than 0, got: " .. tostring(max), 2)
  end
  timeout = primitives.check_timeout(timeout, "2nd") -- the words of Copas, though it is the third
  return setmetatable({ native.new_semaphore(max, start or 0), timeout = timeout }, metatable)
end

return { new = new }
