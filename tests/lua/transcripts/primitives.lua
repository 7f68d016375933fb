-- Locks, semaphores, queues and futures: what lets other threads run (2.2), and what wakes who waits for them (2.3).
-- sockets: native
local stage = require("support.stage")
local scene, try = stage.scene, stage.try

-- A lock that another thread holds as long as the lock exists.
local function held_lock(copas)
  local lock = copas.lock.new()
  lock.holder = copas.addthread(function()
    lock:get()
    copas.pauseforever()
  end)
  return lock
end

-- A future whose function waits for ever.
local function endless_future(copas)
  return copas.future.addthread(copas.pauseforever)
end

scene("they let nobody run if there is nothing to wait for", function(copas)
  local lock, semaphore, queue = copas.lock.new(), copas.semaphore.new(2, 2), copas.queue.new()
  local held = held_lock(copas)
  local future = copas.future.addthread(function() return "done" end)
  copas.addthread(function()
    try(copas, "lock:get", function() lock:get() end)
    try(copas, "lock:get by its holder", function() lock:get() end)
    try(copas, "lock:get(0) of what another holds", function() held:get(0) end)
    try(copas, "lock:release", function() lock:release() end)
    try(copas, "lock:destroy", function() lock:destroy() end)
    try(copas, "semaphore:take", function() semaphore:take() end)
    try(copas, "semaphore:take without patience", function() semaphore:take(2, 0) end)
    try(copas, "semaphore:give", function() semaphore:give() end)
    try(copas, "queue:push", function() queue:push("item") end)
    try(copas, "queue:pop", function() queue:pop() end)
    try(copas, "queue:pop(0)", function() queue:pop(0) end)
    try(copas, "queue:finish", function() queue:finish() end)
    try(copas, "future:get", function() future:get() end)
    try(copas, "future:try", function() future:try() end)
    try(copas, "future:cancel", function() endless_future(copas):cancel() end)
  end)
  copas.loop()
end)

scene("they do if they have to wait", function(copas)
  local lock, semaphore, queue = copas.lock.new(), copas.semaphore.new(1), copas.queue.new()
  copas.addthread(function()
    lock:get()
    copas.pause()
    copas.pause()
    lock:release()
  end)
  copas.addthread(function()
    try(copas, "lock:get", function() lock:get() end)
    try(copas, "semaphore:take", function()
      copas.addthread(function() semaphore:give() end)
      semaphore:take()
    end)
    try(copas, "queue:pop", function()
      copas.addthread(function() queue:push("item") end)
      queue:pop()
    end)
    try(copas, "future:get", function() copas.future.addthread(print, "the future's function"):get() end)
    try(copas, "queue:finish", function()
      queue:push("item")
      queue:add_worker(function() print("worker") end)
      queue:finish()
    end)
  end)
  copas.loop()
end)

scene("a released lock goes to who waits longest, and releases nobody else", function(copas)
  local lock = copas.lock.new()
  copas.addthread(function()
    lock:get()
    copas.pause()
    lock:release()
    print("released")
    print((select(2, lock:get(0))))
    copas.pause()
    print("who released it goes on")
  end)
  for _, name in ipairs { "a", "b" } do
    copas.addthread(function()
      lock:get()
      print(name .. " has it")
      copas.pause()
      lock:release()
    end)
  end
  stage.steps(copas, 5)
end)

scene("who takes from a semaphore goes on in the step after the gift, first come first", function(copas)
  local semaphore = copas.semaphore.new(3)
  for index, name in ipairs { "a", "b", "c" } do
    copas.addthread(function()
      semaphore:take(index)
      print(name)
    end)
  end
  copas.addthread(function()
    semaphore:give(3)
    print("three are given, for a and b")
    copas.pause()
    print("giver again")
    semaphore:give(3)
  end)
  stage.steps(copas, 3)
end)

scene("who pops goes on in the step after the push, first come first", function(copas)
  local queue = copas.queue.new()
  for _, name in ipairs { "a", "b", "c" } do
    copas.addthread(function() print(name .. ": " .. queue:pop()) end)
  end
  copas.addthread(function()
    queue:push("first")
    queue:push("second")
    print("pushed")
    copas.pause()
    print("who pushed goes on")
    queue:push("third")
  end)
  stage.steps(copas, 3)
end)

scene("all that wait for a future go on in the step after its function's end", function(copas)
  local future = copas.future.addthread(function()
    copas.pause()
    print("the end")
    return "result"
  end)
  for _, name in ipairs { "a", "b" } do
    copas.addthread(function() print(name, future:get()) end)
  end
  stage.steps(copas, 3)
end)

scene("whose patience ends leaves the line, and nobody else does", function(copas)
  local lock, semaphore, queue = held_lock(copas), copas.semaphore.new(1), copas.queue.new()
  local undisturbed = true
  local function wait(name, operation, ...)
    local arguments = { n = select("#", ...), ... }
    copas.addthread(function()
      local value, err = operation((unpack or table.unpack)(arguments, 1, arguments.n))
      print(name .. ": " .. tostring(err or value))
      undisturbed = copas.pause(0.05) >= 0.05 and undisturbed
    end)
  end
  wait("a, for the lock", lock.get, lock, 0.01)
  wait("a, for the semaphore", semaphore.take, semaphore, 1, 0.015)
  wait("b, for the semaphore", semaphore.take, semaphore)
  wait("a, for the queue", queue.pop, queue, 0.02)
  wait("b, for the queue", queue.pop, queue)
  copas.addthread(function()
    copas.pause(0.03)
    semaphore:give()
    queue:push("item")
  end)
  copas.loop()
  print("later they sleep undisturbed: " .. tostring(undisturbed))
end)

scene("destruction wakes all that wait, in the next step", function(copas)
  local held = held_lock(copas)
  local semaphore, queue = copas.semaphore.new(1), copas.queue.new()
  for _, name in ipairs { "a", "b" } do
    copas.addthread(function() print(name .. ", for the lock:", (select(2, held:get()))) end)
    copas.addthread(function() print(name .. ", for the semaphore:", select(2, semaphore:take())) end)
    copas.addthread(function() print(name .. ", for the queue:", select(2, queue:pop())) end)
  end
  copas.addthread(function()
    semaphore:destroy()
    held:destroy()
    queue:destroy()
    print("destroyed")
    copas.pause()
    print("who destroyed them goes on")
  end)
  stage.steps(copas, 2)
end)

scene("copas.wakeup does not wake who waits for them", function(copas)
  local lock, semaphore, queue = held_lock(copas), copas.semaphore.new(1), copas.queue.new()
  local future = endless_future(copas)
  local waiting = {
    copas.addthread(function() lock:get() print("never") end),
    copas.addthread(function() semaphore:take() print("never") end),
    copas.addthread(function() queue:pop() print("never") end),
    copas.addthread(function() future:get() print("never") end),
  }
  copas.addthread(function()
    for _, co in ipairs(waiting) do print(copas.wakeup(co)) end
    copas.pause()
    for _, co in ipairs(waiting) do copas.removethread(co) end
  end)
  copas.loop()
  print("the loop has ended")
end)
