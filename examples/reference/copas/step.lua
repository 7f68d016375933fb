local copas = require("copas")

local steps = 0
copas.addthread(function()
  copas.pause(0.01)
  print("a pause later") --> a pause later
end)
while not copas.finished() do
  local had_events = copas.step(0.1) -- at most 0.1 s
  steps = steps + 1
  assert(had_events == false) -- there are no sockets here
end
print(steps >= 2) --> true
