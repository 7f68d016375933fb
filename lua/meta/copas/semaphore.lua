---@meta copas.semaphore

-- What `require "copas.semaphore"` returns, and the field `semaphore` of the module.

---@class copas.semaphorelib
local semaphorelib = {}

---Makes a semaphore: a number of resources, which threads take and give back. Who finds too few waits; all are served
---in the order in which they came, whatever they want.
---
---Throws "expected max resources (1st argument) to be a number greater than 0, got: ..." and "expected timeout (2nd
---argument) to be a number greater than or equal to 0, got: ..." (which is the third).
---@param max integer              most resources it can have; math.huge for any number
---@param start? integer           resources at first, which may be more than `max`; default 0
---@param timeout? number|string  how long `take` waits if nothing else is said, in seconds; default 10
---@return copas.semaphore
function semaphorelib.new(max, start, timeout) end

---@class copas.semaphore
---@field timeout number      in seconds; 0: never wait; math.huge: wait for ever
---@field destroyed boolean?  true once it is destroyed
local semaphore = {}

---Takes resources, waiting until there are enough and whoever came before has been served. Outside of threads it works
---if it need not wait. "too many": they are not there, and never will be, for they are more than the maximum.
---
---Throws if it would have to wait for a negative time.
---@param n? integer       default 1
---@param timeout? number  in seconds; default: the field `timeout`; 0: do not wait at all
---@return true? taken
---@return "timeout"|"too many"|"destroyed"|nil err
function semaphore:take(n, timeout) end

---Gives resources back. Threads that have enough now have taken them when this returns; they run later.
---@param n? integer  default 1; 0 is allowed
---@return true? given
---@return "too many"|"destroyed"|nil err  too many: it was filled to its maximum, the rest is lost
function semaphore:give(n) end

---@return integer free  resources that nobody has taken
function semaphore:get_count() end

---What the threads that wait want, all together, less what is free: negative if there is enough.
---@return integer missing
function semaphore:get_wait() end

---Destroys the semaphore: all threads that wait go on with the error "destroyed". From then on every method, indeed any
---unknown field, is a function that returns nil and "destroyed".
---@return true? destroyed
---@return "destroyed"? err
function semaphore:destroy() end

return semaphorelib
