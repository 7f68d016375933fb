-- copas.future: the results of a function that runs in a thread of its own.
local copas, internal = ...
local native = internal.native

local unpack = table.unpack or unpack

local SUCCESS, PENDING, ERROR = true, false, "error"

local methods = {}
local metatable = { __index = methods }

-- Only the first results count.
local function complete(self, ...)
  if self.results then return end
  self.results = { n = select("#", ...), ... }
  native.future_complete(self)
end

-- The life of the thread.
local function run(self, task, ...)
  if self.coro ~= native.running() then return end -- making it has failed, for lack of memory
  complete(self, SUCCESS, task(...))
end

local no_memory = { n = 2, false, "not enough memory" }

internal.at_failure[metatable] = function(self, _, err)
  if not pcall(complete, self, false, err) then -- those who wait have to hear of it all the same
    self.results = no_memory
    native.future_complete(self)
  end
  return true
end

---Waits until there are results.
---@return boolean success
---@return any ...  the results of the function, or its error; "cancelled"
function methods:get()
  if not self.results then native.future_wait(self) end
  local results = self.results
  return unpack(results, 1, results.n)
end
metatable.__call = methods.get

---Says what there is, without waiting.
---@return boolean|"error" state  `future.PENDING`, or `SUCCESS` or `ERROR`
---@return any ...                the results of the function, or its error
function methods:try()
  local results = self.results
  if not results then return PENDING end
  return results[1] and SUCCESS or ERROR, unpack(results, 2, results.n)
end

---Ends the thread, at its next wait if it runs; the result is the error "cancelled".
---@return boolean success  false if there were results
function methods:cancel()
  if self.results then return false end
  complete(self, false, "cancelled")
  copas.removethread(self.coro)
  return true
end

local function start(add, ...)
  local self = setmetatable({ native.new_future(), results = false, coro = false }, metatable)
  local co = add(self, ...)
  internal.owners[co] = self
  self.coro = co
  return self
end

local function add_thread(self, task, ...)
  return (copas.addthread(run, self, task, ...))
end

local function add_named_thread(self, name, task, ...)
  return (copas.addnamedthread(name, run, self, task, ...))
end

local future = { SUCCESS = SUCCESS, PENDING = PENDING, ERROR = ERROR }

---Runs a function in a thread, as `copas.addthread` does.
---@param task fun(...): ...
function future.addthread(task, ...)
  local made = start(add_thread, task, ...)
  return made
end

---As `addthread`, with a name for the thread.
---@param name string
---@param task fun(...): ...
function future.addnamedthread(name, task, ...)
  local made = start(add_named_thread, name, task, ...)
  return made
end

return setmetatable(future, {
  __index = function(_, key)
    error(("unknown field 'future.%s'"):format(tostring(key)), 2)
  end,
})
