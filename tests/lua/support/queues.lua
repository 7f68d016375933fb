-- What specifications of queues check for.
local assert = require("luassert")
local check = require("support.check")
local loop = require("support.loop")

local queues = {
  success = { n = 1, true },
  timeout = { n = 2, nil, "timeout" },
  destroyed = { n = 2, nil, "destroyed" },
}

---What a test begins with: see `loop.noting`; and a function that adds a thread that pops from a queue, and notes its name
---and what it got.
function queues.noting()
  local copas, order, note = loop.noting()
  local function popper(queue, name, timeout)
    return copas.addthread(function() note(name, queue:pop(timeout)) end)
  end
  return copas, order, note, popper
end

---After its end every method, and whatever else is asked for, refuses.
function queues.assert_destroyed(queue)
  for _, method in ipairs { "push", "pop", "get_size", "stop", "finish", "destroy", "add_worker", "get_workers",
                            "whatever" } do
    assert.same(queues.destroyed, check.pack(queue[method](queue)))
  end
end

return queues
