-- What specifications of queues check for.
local assert = require("luassert")
local check = require("support.check")

local queues = {
  success = { n = 1, true },
  timeout = { n = 2, nil, "timeout" },
  destroyed = { n = 2, nil, "destroyed" },
}

---After its end every method, and whatever else is asked for, refuses.
function queues.assert_destroyed(queue)
  for _, method in ipairs { "push", "pop", "get_size", "stop", "finish", "destroy", "add_worker", "get_workers",
                            "whatever" } do
    assert.same(queues.destroyed, check.pack(queue[method](queue)))
  end
end

return queues
