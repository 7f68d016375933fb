-- Several threads on one socket of another library, which has a buffer of its own (2.4).
-- worlds: real, virtual
-- sockets: luasocket
local stage = require("support.stage")
local scene = stage.scene

local function add_reader(copas, skt, name)
  copas.addthread(function() print(name .. ": " .. copas.receive(skt, 1)) end)
end

scene("a reader that finds nothing, though it was told of bytes, keeps its place", function(copas)
  local mine, peer = stage.pair()
  for _, name in ipairs { "a", "b" } do add_reader(copas, mine, name) end
  copas.step(0)
  copas.addthread(function()
    stage.send(peer, mine, "12")
    print("another thread: " .. copas.receive(mine, 1))
    print("and again: " .. mine:receive(1))
    copas.pause(0.01)
    stage.send(peer, mine, "34")
  end)
  copas.loop()
end)

scene("a reader that got only a part goes to the back, and keeps the part", function(copas)
  local mine, peer = stage.pair()
  for _, name in ipairs { "a", "b" } do
    copas.addthread(function() print(name .. ": " .. copas.receive(mine)) end)
  end
  copas.step(0)
  stage.send(peer, mine, "of a, ")
  copas.step(0)
  stage.send(peer, mine, "whole, b\n")
  stage.steps(copas, 1)
  stage.send(peer, mine, "whole at last\n")
  stage.steps(copas, 1)
end)

scene("a message is sent whole before the next one, though it takes many turns", function(copas)
  local mine, peer = stage.pair()
  require("support.sockets").narrow(mine, peer)
  for number = 1, 3 do
    copas.addthread(function() copas.send(mine, tostring(number):rep(500000)) end)
  end
  copas.addthread(function()
    for number = 1, 3 do
      print(copas.receive(peer, 500000) == tostring(number):rep(500000))
    end
  end)
  copas.loop()
end)

-- Makes room for the writers of `mine`, as a peer does that reads; what was read.
local function make_room(mine, peer)
  local _, _, read = peer:receive(1000000)
  stage.await_writable(mine)
  return read
end

scene("a message that comes later does not get into the middle of one", function(copas)
  local mine, peer = stage.pair()
  require("support.sockets").narrow(mine, peer)
  copas.addthread(function() copas.send(mine, ("1"):rep(500000)) end)
  copas.addthread(function()
    local read = make_room(mine, peer)
    copas.addthread(function()
      read = read .. copas.receive(peer, 500002 - #read)
      print(read == ("1"):rep(500000) .. "22")
    end)
    print(copas.send(mine, "22") == 2)
  end)
  copas.loop()
end)

scene("a message whose turn does not come in time is not begun", function(copas)
  local mine, peer = stage.pair()
  require("support.sockets").narrow(mine, peer)
  local first = copas.addthread(function() copas.send(mine, ("1"):rep(500000)) end)
  local second = copas.addthread(function() copas.send(mine, ("2"):rep(500000)) end)
  copas.addthread(function()
    copas.settimeout(mine, 0.01)
    local sent, err, last = copas.send(mine, "333")
    print(sent, err, last == 0)
    sent, err, last = copas.send(mine, "333", -1)
    print(sent, err, last == 2)
    copas.removethread(first)
    copas.removethread(second)
  end)
  copas.loop()
end)
