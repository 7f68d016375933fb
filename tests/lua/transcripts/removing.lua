-- copas.removethread: whom it ends, when, and whom it leaves alone.
local stage = require("support.stage")
local scene = stage.scene

scene("a removed thread never goes on, wherever it is", function(copas)
  copas.seterrorhandler(function(err) print("never: " .. err) end, true)
  local mine, peer = stage.pair()
  local threads = {
    copas.addthread(function() copas.pause(0.01) print("never") end),
    copas.addthread(function() copas.pauseforever() print("never") end),
    copas.addthread(function() copas.receive(mine) print("never") end),
    copas.addthread(function() copas.waitforexit() print("never") end),
    copas.addthread(function() copas.pause() copas.pause() print("never") end),
  }
  copas.addthread(function()
    threads[#threads + 1] = copas.addthread(print, "never")
    peer:send("line\n")
    copas.wakeup(threads[1])
    copas.wakeup(threads[2])
    for _, co in ipairs(threads) do print("results: " .. select("#", copas.removethread(co))) end
    print("received by another thread: " .. copas.receive(mine))
  end)
  copas.loop()
  print("the loop has ended")
end)

scene("it keeps the order of the others", function(copas)
  local threads = {}
  for number = 1, 5 do
    threads[number] = copas.addthread(function()
      copas.pause()
      print(number)
    end)
  end
  copas.addthread(function()
    copas.removethread(threads[4])
    copas.removethread(threads[1])
  end)
  copas.loop()
end)

scene("a thread that has not started never does", function(copas)
  copas.addthread(function()
    local co = copas.addthread(print, "never")
    copas.addthread(print, "other")
    copas.removethread(co)
  end)
  copas.loop()
end)

scene("a thread that removes itself goes on to its next wait", function(copas)
  copas.addthread(function()
    copas.removethread(coroutine.running())
    print("still here")
    copas.pause()
    print("never")
  end)
  copas.addthread(print, "other")
  copas.loop()
end)

scene("a reader that is removed leaves its line", function(copas)
  local mine, peer = stage.pair()
  local threads = {}
  for _, name in ipairs { "a", "b", "c" } do
    threads[name] = copas.addthread(function() print(name .. ": " .. copas.receive(mine, 1)) end)
  end
  copas.addthread(function()
    copas.removethread(threads.a)
    copas.removethread(threads.c)
    peer:send("12")
    copas.pause(0.02)
    print("left: " .. copas.receive(mine, 1))
  end)
  copas.loop()
end)

scene("repeated removal, and that of others than threads, do nothing", function(copas)
  local co = copas.addthread(function() copas.pause(1000) end)
  copas.addthread(function()
    copas.removethread(co)
    copas.removethread(co)
    copas.removethread(coroutine.create(print))
    copas.removethread(nil)
    print("nothing")
  end)
  copas.loop()
end)

scene("the threads of a server are not removed", function(copas)
  local server, port = stage.listen()
  copas.addserver(server, function(skt)
    local me = coroutine.running()
    copas.addthread(function() copas.removethread(me) end)
    copas.pause(0.01)
    print("the handler goes on")
    copas.send(skt, "hello\n")
  end)
  copas.addthread(function()
    local client = stage.client()
    copas.connect(client, "127.0.0.1", port)
    print((copas.receive(client)))
    copas.removeserver(server)
  end)
  copas.loop()
end)
