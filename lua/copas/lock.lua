-- copas.lock: one thread at a time holds it, the others wait in turn. It is native but for what is here.
local _, internal = ...
local native, primitives = internal.native, internal.load("primitives")

local lock = native.lock_methods()
local metatable = { __index = lock }

lock.destroy = primitives.destroyer(lock.destroy)

---@param timeout number|string?  seconds that `get` waits at most if nothing else is said; 10 by default
---@param not_reentrant boolean?  let the holder wait like anybody when it gets the lock again
local function new(timeout, not_reentrant)
  return setmetatable({ native.new_lock(not_reentrant), timeout = primitives.check_timeout(timeout, "1st") }, metatable)
end

return { new = new }
