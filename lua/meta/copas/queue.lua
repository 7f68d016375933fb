---@meta copas.queue

-- What `require "copas.queue"` returns, and the field `queue` of the module.

---@class copas.queuelib
local queuelib = {}

---@class copas.queue.options
---@field name? string  default "copas_queue_N"; the names of the workers begin with it

---Makes a queue: items on their way from threads to threads, first in, first out, without a limit.
---@param opts? copas.queue.options
---@return copas.queue
function queuelib.new(opts) end

---@class copas.queue
---@field name string
---@field private workers integer
---@field private leaving table
---@field private first integer
---@field private last integer
---@field private arriving table
---@field private arrived integer
local queue = {}

---Adds an item behind the others. Does not wait. Of the threads that wait, the first gets it.
---@param item any  may be nil
---@return true? pushed
---@return "stopping"|"destroyed"|nil err
function queue:push(item) end

---Takes the first item, and waits for one if there is none. Threads that wait are served in the order in which they
---came.
---
---Throws if it would have to wait for a negative time.
---@param timeout? number  seconds; default 10; 0: do not wait at all; math.huge: wait for ever
---@return any item        nil may be an item: look at `err`
---@return "timeout"|"destroyed"|nil err
function queue:pop(timeout) end

---Says how many items have not been popped.
---@return integer items
function queue:get_size() end

---Takes no more items. Those that are left can be popped; the last one destroys the queue, and if there is none this
---call does.
---@return true? stopped
---@return "destroyed"? err
function queue:stop() end

---Stops the queue, and waits until all items have been popped and all workers have ended, each after its last item.
---
---Throws if the timeout is negative.
---@param timeout? number  seconds; default 10; 0: do not wait at all; math.huge: wait for ever
---@param no_destroy_on_timeout? boolean  true: after a timeout the queue is stopping, and the items can be popped;
---  otherwise it is destroyed
---@return true? finished
---@return "timeout"|"destroyed"|nil err  "destroyed" if it was destroyed before
function queue:finish(timeout, no_destroy_on_timeout) end

---Destroys the queue: drops the items, and all threads that wait go on with the error "destroyed". From then on every
---method, indeed any unknown field, is a function that returns nil and "destroyed".
---@return true? destroyed
---@return "destroyed"? err
function queue:destroy() end

---Adds a thread that calls a function with one item after the other, until the queue is destroyed. It ends also when
---the function fails; the error goes to the thread's error handler.
---
---Throws "expected worker to be a function".
---@param worker fun(item: any)
---@return thread? co       its name is that of the queue with ":worker_N"
---@return "destroyed"? err
function queue:add_worker(worker) end

---Lists the threads of the workers that have not ended.
---@return thread[] workers
function queue:get_workers() end

return queuelib
