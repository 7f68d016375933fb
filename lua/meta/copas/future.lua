---@meta copas.future

-- What `require "copas.future"` returns, and the field `future` of the module. A field that it lacks is an error.

---@class copas.futurelib
---@field SUCCESS true    what `try` says of a function that returned
---@field PENDING false   what `try` says while the function runs
---@field ERROR "error"   what `try` says of a function that failed or was cancelled
local futurelib = {}

---Runs a function in a thread, as `copas.addthread` does. An error of the function is a result of the future; no error
---handler is called.
---@param task fun(...): ...
---@param ... any  arguments
---@return copas.future
function futurelib.addthread(task, ...) end

---As `addthread`, with a name for the thread.
---@param name string
---@param task fun(...): ...
---@param ... any  arguments
---@return copas.future
function futurelib.addnamedthread(name, task, ...) end

---A call of the future is the same as `get`.
---@class copas.future
---@field coro thread  that the function runs in
---@field private results table?
local future = {}

---Waits, without a limit, until the function has ended. Any number of threads may wait, any number of times.
---@return boolean success  true if the function returned
---@return any ...          what it returned, or its error; "cancelled" if that is what happened
function future:get() end

---Says what there is, without waiting.
---@return boolean|"error" state  `future.PENDING`, `SUCCESS` or `ERROR`
---@return any ...                what the function returned, or its error
function future:try() end

---Ends the thread, as `copas.removethread` does; those who wait get false and "cancelled". The thread itself may call
---it, and goes on to its next wait.
---@return boolean cancelled  false if there were results
function future:cancel() end

return futurelib
