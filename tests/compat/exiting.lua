-- Ending a program in order: threads wait for the exit, clean up, and may even start other work.
local copas = require("copas")
local socket = require("socket")

local log = {}
local server = assert(socket.bind("127.0.0.1", 0))

copas.addserver(server, function() error("nobody connects") end)

for number = 1, 3 do
  copas.addthread(function()
    assert(select("#", copas.waitforexit()) == 0)
    log[#log + 1] = "released " .. number
    if number == 1 then
      copas.removeserver(server)
      copas.addthread(function()
        copas.pause(0.01)
        log[#log + 1] = "cleaned up"
      end)
    end
  end)
end

copas.addthread(function()
  copas.pause(0.01)
  assert(not copas.exiting())
  copas.exit()
  assert(copas.exiting())
  copas.exit() -- once more changes nothing
  log[#log + 1] = "exit called"
end)

copas.loop(function() assert(copas.running == true) end)
assert(copas.running == false)
local story = table.concat(log, ", ")
assert(story == "exit called, released 1, released 2, released 3, cleaned up", story)

-- A second loop begins afresh.
local again = false
copas.loop(function()
  assert(copas.exiting() == false)
  copas.pause(0.001)
  again = true
end)
assert(again)

-- Everything at once.
local start = copas.gettime()
copas.addthread(function() copas.pause(1000) end)
copas.addthread(function() copas.pauseforever() end)
copas.addserver(assert(socket.bind("127.0.0.1", 0)), function() end)
copas.loop(function()
  copas.pause(0.01)
  copas.cancelall()
end)
assert(copas.gettime() - start < 10)
print("ok")
