-- What is collected, and what is held (2.8).
local stage = require("support.stage")
local scene = stage.scene

local weak

-- A body that is collected with its thread.
local function tracked(name, body)
  local token = setmetatable({}, { __name = name })
  weak[token] = name
  return function(...) return token, body(...) end
end

local function show(when)
  collectgarbage()
  collectgarbage()
  local left = {}
  for _, name in pairs(weak) do left[#left + 1] = name end
  table.sort(left)
  print(when .. ": " .. (#left == 0 and "nothing" or table.concat(left, ", ")))
end

local function track(title, body)
  scene(title, function(copas)
    weak = setmetatable({}, { __mode = "k" })
    body(copas)
  end)
end

track("threads that have ended or failed", function(copas)
  copas.seterrorhandler(function() end, true)
  copas.addthread(tracked("ended", function() copas.pause() end))
  copas.addthread(tracked("failed", function()
    copas.pause(0.01)
    error("failed")
  end))
  show("before the loop")
  copas.addthread(function()
    copas.pause(0.05)
    show("in the loop")
  end)
  copas.loop()
  show("after the loop")
end)

track("removed threads", function(copas)
  local mine, peer = stage.pair()
  local threads = {
    copas.addthread(tracked("sleeper", function() copas.pause(1000) end)),
    copas.addthread(tracked("reader", function() copas.receive(mine) end)),
    copas.addthread(tracked("lethargic", function() copas.pauseforever() end)),
  }
  copas.addthread(function()
    threads[#threads + 1] = copas.addthread(tracked("not started", print))
    show("before they are removed")
    for _, co in ipairs(threads) do copas.removethread(co) end
    threads = nil
  end)
  copas.loop()
  show("after the loop")
  peer:close()
end)

track("threads that sleep for ever", function(copas)
  local kept = copas.addthread(tracked("referred to", function()
    copas.pauseforever()
    print("woken")
  end))
  copas.addthread(tracked("lost", function() copas.pauseforever() end))
  copas.addthread(tracked("holds itself", function()
    local me = coroutine.running()
    copas.pauseforever()
    print(me)
  end))
  copas.addthread(function()
    show("in the loop")
    print(copas.wakeup(kept))
    kept = nil
    copas.pause()
    copas.pause()
    show("after waking it")
  end)
  copas.loop()
end)

track("threads that wait for time or a socket are held", function(copas)
  local mine, peer = stage.pair()
  local slept = false
  copas.addthread(tracked("sleeper", function()
    copas.pause(0.15)
    print("slept")
    slept = true
  end))
  copas.addthread(tracked("reader", function() print("received " .. copas.receive(mine)) end))
  copas.addthread(function()
    copas.pause()
    show("in the loop")
    repeat copas.pause(0.01) until slept
    peer:send("line\n")
  end)
  copas.loop()
  show("after the loop")
end)

track("wrappers that were used and closed", function(copas)
  local one, other = stage.pair()
  stage.let_go()
  local wrapper = copas.wrap(one)
  weak[wrapper], weak[one] = "wrapper", "socket"
  one = nil
  wrapper:settimeout(0.01)
  copas.setsocketname("name", wrapper)
  copas.addthread(function()
    print((select(2, wrapper:receive())))
    wrapper:close()
    wrapper = nil
    copas.pause(0.01)
    show("in the loop")
  end)
  copas.loop()
  other:close()
end)

track("a socket that was dropped is closed", function(copas)
  local server, port = stage.listen()
  copas.autoclose = false
  copas.addserver(server, function(skt) copas.send(skt, "hello\n") end)
  copas.addthread(function()
    local client = stage.client()
    copas.connect(client, "127.0.0.1", port)
    print((copas.receive(client)))
    copas.pause()
    show("dropped")
    print((select(2, copas.receive(client))))
    copas.removeserver(server)
  end)
  copas.loop()
end)

track("also while the loop idles, in whatever mode the collector is", function(copas)
  pcall(collectgarbage, "generational") -- some Luas have that mode
  local watch = copas.addthread(function()
    print("closed in time: " .. tostring(copas.pause(5) < 5))
    copas.pause(0.2) -- with nothing left to collect
  end)
  local server, port = stage.listen()
  copas.autoclose = false
  copas.addserver(server, function(skt)
    weak[skt] = "connection"
    copas.send(skt, "hello\n")
  end)
  copas.addthread(function()
    local client = stage.client()
    copas.connect(client, "127.0.0.1", port)
    print((copas.receive(client)))
    print((select(2, copas.receive(client))))
    copas.removeserver(server)
    copas.wakeup(watch)
  end)
  copas.loop()
end)
