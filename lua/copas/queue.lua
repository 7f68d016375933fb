-- copas.queue: items on their way from threads to threads. Who may push, who waits and when it ends is decided in C++
-- (queue_functions.cpp); here are the items, which Lua keeps.
local copas, internal = ...
local native, primitives = internal.native, internal.load("primitives")
local may_pop, may_push, wait_to_pop = native.queue_try_pop, native.queue_push, native.queue_pop
local check_patience, destroyed = primitives.check_patience, primitives.destroyed

local queue = {}
local metatable = { __index = queue }

local queues = 0 -- that got a name by counting
local kept_length = 1000 -- of a table that is used again

-- The items lie in two tables: `leaving`, from `first` to `last`, and behind them `arriving`, from 1 to `arrived`. When
-- the one is used up they change places, so that no item moves, and a busy queue makes no new tables.
local function clear(self)
  self.leaving, self.first, self.last = {}, 1, 0
  self.arriving, self.arrived = {}, 0
end

local function turn_over(self)
  local used = self.leaving
  if self.first > kept_length then used = {} end -- may run finalisers, which may use the queue
  if self.first <= self.last then return end
  self.leaving, self.arriving = self.arriving, used
  self.first, self.last, self.arrived = 1, self.arrived, 0
end

local function take(self)
  if self.first > self.last then turn_over(self) end
  local first, leaving = self.first, self.leaving
  local item = leaving[first]
  leaving[first] = nil
  self.first = first + 1
  return item
end

local function end_methods(self) setmetatable(self, destroyed) end

---Adds an item, which may be nil, behind the others.
---@return true?
---@return string? err  "stopping" or "destroyed"
function queue:push(item)
  local arriving, last = self.arriving, self.arrived + 1
  arriving[last] = item
  local ok, err = may_push(self)
  if not ok then
    arriving[last] = nil
    return nil, err
  end
  self.arrived = last
  return true
end

---Takes the first item, and waits for one if there is none.
---@param timeout number?  seconds; 10 by default, 0 to not wait
---@return any item  one value, or
---@return string? err  "timeout" or "destroyed"
function queue:pop(timeout)
  local ok, err = may_pop(self)
  if not ok and timeout ~= 0 and err == "timeout" then ok, err = wait_to_pop(self, check_patience(timeout)) end
  if not ok then return nil, err end
  if err then end_methods(self) end -- that was the last item
  return (take(self))
end
local pop = queue.pop

---Items that have not been popped.
function queue:get_size()
  return native.queue_size(self)
end

---Takes no more items, and destroys the queue when the last one is popped, which may be now.
---@return true?
---@return string? err  "destroyed"
function queue:stop()
  local ended, err = native.queue_stop(self)
  if err then return nil, err end
  if ended then end_methods(self) end
  return true
end

---Drops all items; whoever waits gets "destroyed".
---@return true?
---@return string? err  "destroyed"
function queue:destroy()
  local ok, err = native.queue_destroy(self)
  if not ok then return nil, err end
  clear(self)
  end_methods(self)
  return true
end

---Stops the queue, and waits until all items have been popped, and all workers have ended.
---@param timeout number?  seconds; 10 by default, 0 to not wait
---@param no_destroy_on_timeout boolean?  leave the queue stopping when that takes too long
---@return true?
---@return string? err  "timeout" or "destroyed"
function queue:finish(timeout, no_destroy_on_timeout)
  local patience = check_patience(timeout)
  local ok, err = queue.stop(self)
  if not ok then return nil, err end
  if native.queue_finish(self, patience) then return true end
  if not no_destroy_on_timeout then queue.destroy(self) end
  return nil, "timeout"
end

-- The life of a worker's thread.
local function work(self, worker)
  while true do
    local item, err = pop(self, math.huge)
    if err then return end
    worker(item)
  end
end

---Adds a thread that calls a function with one item after the other, until the queue is destroyed.
---@param worker fun(item: any)
---@return thread
function queue:add_worker(worker)
  if type(worker) ~= "function" then error("expected worker to be a function", 2) end
  self.workers = self.workers + 1
  local co = copas.addnamedthread(("%s:worker_%d"):format(self.name, self.workers), work, self, worker)
  internal.complete(co, native.queue_employ, self, co)
  return co
end

---The threads of all workers that have not ended.
---@return thread[]
function queue:get_workers()
  return native.queue_workers(self)
end

---@param opts { name: string? }?  of the queue, for the names of its workers; "copas_queue_N" by default
local function new(opts)
  local name = opts and opts.name
  if name == nil then
    queues = queues + 1
    name = "copas_queue_" .. queues
  end
  local self = setmetatable({ native.new_queue(), name = name, workers = 0 }, metatable)
  clear(self)
  return self
end

return { new = new }
