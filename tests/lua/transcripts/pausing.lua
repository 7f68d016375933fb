-- Pauses: who goes on when, and what they return (2.1).
-- sockets: native
local stage = require("support.stage")
local scene = stage.scene

local function in_turns(copas, name, give_way)
  copas.addthread(function()
    for number = 1, 3 do
      print(name .. number)
      give_way()
    end
  end)
end

scene("a thread goes on once in each step, whatever it gives way by", function(copas)
  in_turns(copas, "pause() ", function() copas.pause() end)
  in_turns(copas, "pause(0) ", function() copas.pause(0) end)
  in_turns(copas, "pause(-1) ", function() copas.pause(-1) end)
  in_turns(copas, "sleep() ", function() copas.sleep() end)
  in_turns(copas, "sleep(0) ", function() copas.sleep(0) end)
  stage.steps(copas, 3)
end)

scene("sleepers wake in the order of their times, behind what was ready", function(copas)
  for _, time in ipairs { 0.15, 0.05, 0.2, 0.1 } do
    copas.addthread(function()
      copas.pause(time)
      print("slept " .. time)
    end)
  end
  copas.step(0)
  copas.addthread(print, "ready")
  stage.spend(copas, 0.2)
  stage.steps(copas, 1)
end)

scene("who pauses again sleeps again", function(copas)
  copas.addthread(function()
    for number = 1, 3 do
      copas.pause(0.01)
      print("every 0.01: " .. number)
    end
  end)
  copas.addthread(function()
    copas.pause(0.15)
    print("after 0.15")
  end)
  copas.loop()
end)

scene("pauses return the time they took, never less than was asked for", function(copas)
  copas.addthread(function()
    print(select("#", copas.pause()), type((copas.pause())))
    print(select("#", copas.pause(0.01)), copas.pause(0.01) >= 0.01)
    local begun = copas.gettime()
    copas.pause(0.01)
    print(copas.gettime() - begun >= 0.009)
  end)
  copas.loop()
end)

scene("sleeps return nothing", function(copas)
  copas.addthread(function()
    print(select("#", copas.sleep()), select("#", copas.sleep(0)), select("#", copas.sleep(0.01)))
  end)
  copas.loop()
end)

scene("a negative sleep is for ever", function(copas)
  copas.addthread(function()
    copas.sleep(-1)
    print("never")
  end)
  copas.loop()
  print("the loop has ended")
end)
