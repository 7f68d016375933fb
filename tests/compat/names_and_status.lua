-- Names, status, and the log of what threads do.
local copas = require("copas")
local socket = require("socket")

local server = assert(socket.bind("127.0.0.1", 0))
local _, port = server:getsockname()
copas.addserver(server, copas.handler(function(skt)
  assert(copas.getthreadname() == "named:handler_1")
  assert(copas.getsocketname(skt) == "named:client_1")
  assert(copas.getsocketname(skt.socket) == "named:client_1")
  skt:receive()
end), nil, "named")
assert(copas.getsocketname(server) == "named")

local lines = {}
copas.addnamedthread("looker", function()
  assert(copas.getthreadname() == "looker")
  copas.setthreadname("renamed")
  assert(copas.getthreadname(coroutine.running()) == "renamed" or _VERSION == "Lua 5.1")

  local skt = copas.wrap(socket.tcp())
  assert(copas.getsocketname(skt) == tostring(skt.socket))
  assert(tostring(skt) == tostring(skt.socket) .. " (copas wrapped)")
  copas.setsocketname("mine", skt)
  assert(skt:connect("127.0.0.1", port))
  copas.pause(0.001)

  copas.status(true)
  local inactive = copas.status().inactive -- by the runtime, its script
  copas.addthread(function() copas.pause(0.005) end)
  local lethargic = copas.addthread(function() copas.pauseforever() end)
  copas.pause(0.001)
  local status = copas.status()
  assert(status.running == true)
  assert(status.read == 2, status.read) -- the server and its connection
  assert(status.write == 0 and status.inactive == inactive + 1 and status.timer >= 1)
  assert(status.steps >= 1 and status.time_tot >= 0 and status.duration_avg >= 0)
  copas.status(false)
  assert(copas.status().steps == nil)
  copas.removethread(lethargic)

  copas.debug.start(function(...)
    local words = {}
    for index = 1, select("#", ...) do words[index] = tostring((select(index, ...))) end
    lines[#lines + 1] = table.concat(words)
  end)
  copas.pause(0.001)
  copas.debug.stop()
  skt:close()
  copas.removeserver(server)
end)
copas.loop()
local all = table.concat(lines, "\n")
assert(all:find("yielding 'renamed' to SLEEP for", 1, true), all)
assert(all:find("resuming 'renamed'", 1, true), all)
print("ok")
