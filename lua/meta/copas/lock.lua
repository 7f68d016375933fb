---@meta copas.lock

-- What `require "copas.lock"` returns, and the field `lock` of the module.

---@class copas.locklib
local locklib = {}

---Makes a lock: one thread at a time holds it, the others wait and get it in the order in which they came.
---
---Throws "expected timeout (1st argument) to be a number greater than or equal to 0, got: ...".
---@param timeout? number|string   how long `get` waits if nothing else is said, in seconds; default 10
---@param not_reentrant? boolean  true: the holder waits like anybody when it gets the lock again
---@return copas.lock
function locklib.new(timeout, not_reentrant) end

---@class copas.lock
---@field timeout number        in seconds; 0: never wait; math.huge: wait for ever
---@field destroyed boolean?    true once it is destroyed
local lock = {}

---Gets the lock for the running thread, waiting until it is free and whoever came before has had it.
---
---A thread may get it several times, and has to release it as often. A coroutine that the thread resumes itself counts
---as the thread. Outside of threads it works if the lock is free. The lock is released when the thread ends.
---
---Throws if it would have to wait for a negative time.
---@param timeout? number      in seconds; default: the field `timeout`; 0: do not wait at all
---@return number? waited      seconds; 0 if it was free, or held by this thread already
---@return "timeout"|"destroyed"|nil err
---@return number? waited_in_vain  seconds, after an error; nothing if the lock was destroyed before
function lock:get(timeout) end

---Releases the lock once. The thread that waited longest has it from now on; it runs later, not within this call.
---@return true? released
---@return "cannot release a lock not owned"|"destroyed"|nil err
function lock:release() end

---Destroys the lock: all threads that wait for it go on with the error "destroyed". From then on every method, indeed
---any unknown field, is a function that returns nil and "destroyed".
---@return true? destroyed
---@return "destroyed"? err
function lock:destroy() end

return locklib
