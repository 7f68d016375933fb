-- What specifications of semaphores begin with, and check for.
local loop = require("support.loop")

local semaphores = {
  success = { n = 1, true },
  timeout = { n = 2, nil, "timeout" },
  too_many = { n = 2, nil, "too many" },
  destroyed = { n = 2, nil, "destroyed" },
}

---What a test begins with: see `loop.noting`; and a function that adds a thread that takes from a semaphore, and notes its
---name and what it got.
function semaphores.noting()
  local copas, order, note = loop.noting()
  local function taker(semaphore, name, wanted, timeout)
    return copas.addthread(function() note(name, semaphore:take(wanted, timeout)) end)
  end
  return copas, order, note, taker
end

return semaphores
