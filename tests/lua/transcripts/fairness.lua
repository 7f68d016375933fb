-- Threads that could go on for ever let others run (2.2).
local stage = require("support.stage")
local scene = stage.scene

-- Runs `body` many times in a thread; says whether another one had several turns meanwhile.
local function busy(copas, name, times, body)
  local turns, done = 0, false
  copas.addthread(function()
    while not done do
      turns = turns + 1
      copas.pause()
    end
  end)
  copas.addthread(function()
    for number = 1, times do body(number) end
    done = true
    print(name .. ": others had several turns: " .. tostring(turns >= 5))
  end)
end

scene("a thread that reads what has long been there", function(copas)
  local mine, peer = stage.pair()
  assert(peer:send(("x"):rep(2000)) == 2000)
  busy(copas, "one byte at a time", 2000, function() copas.receive(mine, 1) end)
  copas.loop()
end)

scene("a thread that writes what is always taken", function(copas)
  local mine, peer = stage.pair()
  busy(copas, "one byte at a time", 2000, function() copas.send(mine, "x") end)
  copas.loop()
  peer:close()
end)

scene("a thread that uses an object which never waits", function(copas)
  local object = {
    receive = function() return "line" end,
    send = function(_, data) return #data end,
  }
  busy(copas, "receives", 2000, function() copas.receive(object) end)
  busy(copas, "sends", 2000, function() copas.send(object, "x") end)
  copas.loop()
end)

scene("a thread that finds connections closed", function(copas)
  local mine = stage.pair()
  copas.close(mine)
  busy(copas, "receives", 2000, function() copas.receive(mine) end)
  copas.loop()
end)

scene("threads that read and write without an end, and one that sleeps", function(copas)
  local mine, peer = stage.pair()
  local done = false
  copas.addthread(function()
    while not done do
      copas.send(mine, "x")
      stage.spend(copas, 0.0001) -- virtual time stands still while threads are ready
    end
    copas.close(mine)
  end)
  copas.addthread(function()
    repeat until not copas.receive(peer, 1)
  end)
  copas.addthread(function()
    copas.pause(0.03)
    done = true
    print("the sleeper wakes up")
  end)
  copas.loop()
end)

scene("threads that wake each other without an end, and one that sleeps", function(copas)
  local done = false
  local threads = {}
  local function play(other)
    return function()
      while not done do
        copas.wakeup(threads[other])
        stage.spend(copas, 0.001) -- virtual time stands still while threads are ready
        copas.pauseforever()
      end
    end
  end
  threads[1], threads[2] = copas.addthread(play(2)), copas.addthread(play(1))
  copas.addthread(function()
    copas.pause(0.02)
    done = true
    print("the sleeper wakes up")
  end)
  copas.loop()
end)

scene("threads that are always ready, and a reader", function(copas)
  local mine, peer = stage.pair()
  local done = false
  for _ = 1, 3 do
    copas.addthread(function()
      while not done do copas.pause() end
    end)
  end
  copas.addthread(function()
    print("received " .. copas.receive(mine))
    done = true
  end)
  copas.addthread(function() peer:send("line\n") end)
  copas.loop()
end)
