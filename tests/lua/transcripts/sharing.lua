-- Several threads on one socket (2.4). They receive single bytes, which come whole on every reactor.
local stage = require("support.stage")
local scene = stage.scene

local function add_reader(copas, skt, name)
  return copas.addthread(function()
    local data, err = copas.receive(skt, 1)
    print(name .. ": " .. (data or err))
  end)
end

scene("a reader and a writer use a socket at the same time", function(copas)
  local mine, peer = stage.pair()
  copas.addthread(function()
    print("the reader gets " .. copas.receive(mine, 1))
  end)
  copas.addthread(function()
    print("the writer sends", copas.send(mine, "a") == 1)
  end)
  copas.addthread(function()
    print("the peer gets " .. copas.receive(peer, 1))
    copas.send(peer, "b")
  end)
  copas.loop()
end)

scene("data goes both ways at once", function(copas)
  local mine, peer = stage.pair()
  local size, received = 20000, 0
  local function exchange(skt)
    copas.addthread(function() copas.send(skt, ("x"):rep(size)) end)
    copas.addthread(function()
      local data = copas.receive(skt, size)
      received = received + #data
    end)
  end
  copas.addthread(function()
    exchange(mine)
    copas.pause(0.02)
    exchange(peer)
  end)
  copas.loop()
  print(received)
end)

scene("readers are served in the order in which they came, whose bytes came in one piece", function(copas)
  local mine, peer = stage.pair()
  for _, name in ipairs { "a", "b", "c" } do add_reader(copas, mine, name) end
  copas.addthread(function()
    stage.send(peer, mine, "123")
    print("sent")
  end)
  copas.loop()
end)

scene("and so are those whose bytes came one by one", function(copas)
  local mine, peer = stage.pair()
  for _, name in ipairs { "a", "b", "c" } do add_reader(copas, mine, name) end
  copas.addthread(function()
    for number = 1, 3 do
      stage.send(peer, mine, tostring(number))
      copas.pause(0.01)
    end
  end)
  copas.loop()
end)

scene("a reader that comes again gets behind the others", function(copas)
  local mine, peer = stage.pair()
  for _, name in ipairs { "a", "b" } do
    copas.addthread(function()
      for _ = 1, 2 do print(name .. ": " .. copas.receive(mine, 1)) end
    end)
  end
  copas.addthread(function()
    for number = 1, 4 do
      stage.send(peer, mine, tostring(number))
      copas.pause(0.01)
    end
  end)
  copas.loop()
end)

scene("a reader that times out leaves the line, and no other does", function(copas)
  local mine, peer = stage.pair()
  copas.settimeout(mine, 0.01)
  local timed_out, undisturbed
  copas.addthread(function()
    print("a: " .. tostring(select(2, copas.receive(mine, 1))))
    timed_out = true
    undisturbed = copas.pause(0.05) >= 0.05
  end)
  copas.addthread(function()
    copas.settimeout(mine, nil)
    add_reader(copas, mine, "b")
    add_reader(copas, mine, "c")
    repeat copas.pause(0.001) until timed_out
    stage.send(peer, mine, "12")
  end)
  copas.loop()
  print("a slept undisturbed: " .. tostring(undisturbed))
end)

scene("so does one in the middle", function(copas)
  local mine, peer = stage.pair()
  local timed_out
  add_reader(copas, mine, "a")
  copas.addthread(function()
    copas.settimeout(mine, 0.01)
    print("b: " .. tostring(select(2, copas.receive(mine, 1))))
    timed_out = true
  end)
  copas.addthread(function()
    copas.settimeout(mine, nil)
    add_reader(copas, mine, "c")
    repeat copas.pause(0.001) until timed_out
    stage.send(peer, mine, "12")
  end)
  copas.loop()
end)

scene("readers that wait keep the loop running until all are served", function(copas)
  local mine, peer = stage.pair()
  for _, name in ipairs { "a", "b", "c" } do add_reader(copas, mine, name) end
  copas.addthread(function()
    copas.pause(0.01)
    peer:send("1")
    copas.pause(0.01)
    peer:send("2")
    copas.pause(0.01)
    print("the peer closes")
    peer:close()
  end)
  copas.loop()
end)

scene("bytes that one call has taken from the system belong to the next call, whoever makes it", function(copas)
  local mine, peer = stage.pair()
  peer:send("one\ntwo\nthr")
  peer:close()
  copas.addthread(function()
    print("first thread: " .. copas.receive(mine))
    copas.addthread(function()
      print("second thread: " .. copas.receive(mine))
      copas.addthread(function()
        print("third thread:", copas.receive(mine))
      end)
    end)
  end)
  copas.loop()
end)
