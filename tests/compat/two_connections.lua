-- Two clients that connect at the same time, in threads of their own, and take turns with a third that only counts.
local copas = require("copas")
local socket = require("socket")

local server = assert(socket.bind("127.0.0.1", 0))
local _, port = server:getsockname()
local served = 0

copas.addserver(server, function(skt)
  skt = copas.wrap(skt)
  while true do
    local line = skt:receive("*l")
    if not line then break end
    skt:send("you said " .. line .. "\n")
  end
  served = served + 1
  if served == 2 then copas.removeserver(server) end
end)

local function client(name)
  local skt = copas.wrap(socket.tcp())
  local ok, err = skt:connect("localhost", port)
  assert(ok == 1 and err == nil, err)
  for turn = 1, 20 do
    assert(skt:send(name .. turn .. "\n"))
    local answer = assert(skt:receive())
    assert(answer == "you said " .. name .. turn, answer)
    copas.pause(0)
  end
  skt:close()
end

copas.addthread(client, "a")
copas.addnamedthread("second client", client, "b")
local ticks = 0
copas.addthread(function()
  while served < 2 do
    ticks = ticks + 1
    copas.pause(0.001)
  end
end)
copas.loop()

assert(served == 2)
assert(ticks > 0)
print("ok")
