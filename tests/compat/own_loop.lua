-- A main loop of the program's own, which does other things between steps.
-- not for the runtime, which has a loop
local copas = require("copas")
local socket = require("socket")

local server = assert(socket.bind("127.0.0.1", 0))
local _, port = server:getsockname()
copas.addserver(server, copas.handler(function(skt)
  local line = skt:receive()
  skt:send(line:upper() .. "\n")
  copas.removeserver(server)
end))

local answer
copas.addthread(function()
  local skt = copas.wrap(socket.tcp())
  assert(skt:connect("127.0.0.1", port))
  skt:send("hello\n")
  answer = skt:receive()
  skt:close()
end)

assert(not copas.finished())
local steps = 0
copas.running = true -- as a program with a loop of its own does
while not copas.finished() do
  local handled, err = copas.step(0.01)
  assert(handled == true or handled == false, err)
  steps = steps + 1
end
copas.running = false

assert(answer == "HELLO")
assert(steps > 1)
print("ok")
