-- As timers.cpp, in Lua: how late timers of a millisecond are while a look-up takes two seconds. The name server is
-- `dns-timers --serve`; its port is the argument.
local copas = require("copas")
local socket = require("copas.socket")

copas.resolver { servers = { "127.0.0.1:" .. assert(arg[1], "usage: timers.lua PORT") }, search = {} }

local function measure(what, body)
  local late, ended = {}, false
  for _ = 1, 100 do
    copas.addthread(function()
      while not ended do
        local due = copas.gettime() + 0.001
        copas.pause(0.001)
        late[#late + 1] = (copas.gettime() - due) * 1000
      end
    end)
  end
  copas.addthread(function()
    body()
    ended = true
  end)
  copas.loop()
  table.sort(late)
  local function at(part) return late[math.floor(part * (#late - 1)) + 1] end
  local text = "%-22s %8d timers of 1 ms; late by %.3f ms (median), %.3f ms (99 %%), %.3f ms (99.9 %%), %.3f ms (most)"
  print(text:format(what, #late, at(0.5), at(0.99), at(0.999), at(1)))
end

measure("nothing looked up", function() copas.pause(2) end)
measure("a look-up of 2 s", function() assert(socket.dns.toip("slow.test")) end)
