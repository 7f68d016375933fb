-- How late the timers of other threads are while a look-up takes long: 100 threads that sleep a millisecond again and
-- again, for as long without a look-up, and for as long as the answer of a name server takes, which is a thread of the
-- same loop.
local figures = dofile(arg[0]:gsub("[^/]*$", "") .. "../common/figures.lua")
local copas = require "copas"
local socket = require "copas.socket"

local patience = figures.argument(2000) / 1000

local server = assert(socket.udp())
assert(server:setsockname("127.0.0.1", 0))
copas.resolver { servers = { "127.0.0.1:" .. select(2, server:getsockname()) }, search = {} }

-- Answers with 127.0.0.1.
local function answer_late(question, ip, port)
  copas.pause(patience)
  -- One answer, whose name is that of the question.
  local head = question:sub(1, 2) .. "\129\128" .. question:sub(5, 7) .. "\1" .. question:sub(9)
  copas.sendto(server, head .. "\192\12\0\1\0\1\0\0\0\60\0\4\127\0\0\1", ip, port)
end

local function measure(name, body)
  local late, ended = {}, false
  for _ = 1, 100 do
    copas.addthread(function()
      while not ended do
        local due = copas.gettime() + 0.001
        copas.pause(0.001)
        late[#late + 1] = (copas.gettime() - due) * 1e6
      end
    end)
  end
  copas.addthread(function()
    body()
    ended = true
  end)
  copas.loop()
  table.sort(late)
  local function part(of_all) return late[math.floor(of_all * (#late - 1)) + 1] end
  figures.print(name .. "-median", part(0.5), "us")
  figures.print(name .. "-99%", part(0.99), "us")
  figures.print(name .. "-latest", part(1), "us")
end

measure("none", function() copas.pause(patience) end)
local name_server = copas.addthread(function()
  while true do copas.addthread(answer_late, copas.receivefrom(server)) end
end)
measure("slow", function()
  assert(socket.dns.toip("slow.test"))
  copas.removethread(name_server)
end)
