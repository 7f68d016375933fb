-- Several threads on one socket, who take turns (2.4). A hostile reactor cuts what arrives into other pieces.
-- worlds: real, virtual
-- sockets: native
local stage = require("support.stage")
local scene = stage.scene

local function add_reader(copas, skt, name)
  copas.addthread(function() print(name .. ": " .. copas.receive(skt)) end)
end

scene("a reader that got only a part goes to the back, and keeps the part", function(copas)
  local mine, peer = stage.pair()
  for _, name in ipairs { "a", "b", "c" } do add_reader(copas, mine, name) end
  copas.step(0)
  stage.send(peer, mine, "of a, ")
  copas.step(0)
  stage.send(peer, mine, "whole, b\n")
  stage.steps(copas, 1)
  stage.send(peer, mine, "whole, c\n")
  stage.steps(copas, 1)
  stage.send(peer, mine, "whole at last\n")
  stage.steps(copas, 1)
end)

scene("one reader is served in each step, before what is ready", function(copas)
  local mine, peer = stage.pair()
  for _, name in ipairs { "a", "b", "c" } do add_reader(copas, mine, name) end
  copas.step(0)
  stage.send(peer, mine, "1\n2\n3\n")
  copas.addthread(function()
    for number = 1, 3 do
      print("ready " .. number)
      copas.pause()
    end
  end)
  stage.steps(copas, 3)
end)

scene("nobody overtakes those who wait, though there is something to read", function(copas)
  local mine, peer = stage.pair()
  add_reader(copas, mine, "a")
  copas.step(0)
  stage.send(peer, mine, "1\n2\n")
  add_reader(copas, mine, "b") -- starts in the phase of ready threads, when a has run
  copas.addthread(function()
    stage.send(peer, mine, "3\n4\n")
    add_reader(copas, mine, "c")
  end)
  copas.loop()
end)

scene("a message is sent whole before the next one", function(copas)
  local mine, peer = stage.pair()
  require("support.sockets").narrow(mine, peer)
  local sent = {}
  for number = 1, 3 do
    copas.addthread(function()
      copas.send(mine, tostring(number):rep(500000))
      sent[#sent + 1] = number
    end)
  end
  copas.addthread(function()
    for number = 1, 3 do
      print(copas.receive(peer, 500000) == tostring(number):rep(500000))
    end
  end)
  copas.loop()
  print("sent in this order: " .. table.concat(sent, ", "))
end)

scene("what is received in a step was received by whoever waited longest", function(copas)
  local mine, peer = stage.pair()
  local function add_pausing(name)
    copas.addthread(function()
      print(name .. ": " .. copas.receive(mine))
      copas.pause()
      print(name .. " again: " .. copas.receive(mine))
    end)
  end
  add_pausing("a")
  add_pausing("b")
  copas.step(0)
  stage.send(peer, mine, "1\n2\n3\n4\n")
  stage.steps(copas, 4)
end)
