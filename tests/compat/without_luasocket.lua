-- Threads, timers and what they share need no sockets at all.
package.loaded.socket = nil
package.preload.socket = function() error("module 'socket' not found: this machine has none") end
package.preload["socket.core"] = package.preload.socket

local copas = require("copas")

local log = {}
copas.loop(function()
  local start = copas.gettime()
  copas.pause(0.01)
  assert(copas.gettime() - start >= 0.009)

  local lock = copas.lock.new()
  local queue = copas.queue.new()
  local semaphore = copas.semaphore.new(2)
  queue:add_worker(function(item)
    lock:get()
    copas.pause(0)
    log[#log + 1] = item
    lock:release()
    semaphore:give()
  end)
  copas.timer.new { delay = 0.001, callback = function() queue:push("from a timer") end }
  queue:push("first")
  assert(semaphore:take(2))
  assert(queue:finish())
  copas.timeout(0.001, function(co) copas.wakeup(co) end)
  copas.pause(60)
end)
assert(table.concat(log, ", ") == "first, from a timer")
print("ok")
