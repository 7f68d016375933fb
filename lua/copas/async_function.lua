-- An asynchronous C++ function for Lua 5.1 and LuaJIT, where a C function cannot raise an error after it has yielded:
-- `call` returns `failed`, the error, and whether the position of the caller belongs in front of it.
local call, failed = ...

-- How many levels above `settle`, a tail call, the caller is.
local caller = rawget(_G, "jit") and 2 or 3

local function settle(...)
  if (...) == failed then
    local _, err, wants_position = ...
    error(err, wants_position and caller or 0)
  end
  return ...
end

return function(...)
  return settle(call(...))
end
