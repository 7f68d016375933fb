-- What specifications check with.
local assert = require("luassert")

local check = {}

---Values with their number, so that `nil, nil` is not `nil`.
function check.pack(...) return { n = select("#", ...), ... } end

---The call raises an error with this text in it.
---@param message string
---@param f function
function check.error(message, f, ...)
  local ok, err = pcall(f, ...)
  assert.is_false(ok)
  assert.matches(message, err, 1, true)
end

return check
