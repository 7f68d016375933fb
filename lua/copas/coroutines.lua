-- Replaces coroutine.resume and coroutine.wrap, so that a Copas thread may wait inside coroutines of the user's: a wait
-- yields `parked`, which is passed on to the scheduler, and what the scheduler resumes with is passed back. In Lua
-- rather than C, because Lua 5.1 and LuaJIT cannot yield across a C function.
local parked, abandon = ...

local create, resume, yield, close = coroutine.create, coroutine.resume, coroutine.yield, coroutine.close

-- How many levels above `unwrap`, a tail call, the caller of a wrapped coroutine is.
local caller = _VERSION == "Lua 5.1" and not rawget(_G, "jit") and 3 or 2

local function pass(thread, alive, first, ...)
  if alive and first == parked then return pass(thread, resume(thread, yield(parked))) end
  return alive, first, ...
end

function coroutine.resume(thread, ...)
  return pass(thread, resume(thread, ...))
end

local function unwrap(thread, alive, first, ...)
  if alive then
    if first == parked then return unwrap(thread, resume(thread, yield(parked))) end
    return first, ...
  end
  if close and coroutine.status(thread) == "dead" then close(thread) end
  error(first, type(first) == "string" and caller or 0)
end

function coroutine.wrap(body)
  local thread = create(body)
  return function(...) return unwrap(thread, resume(thread, ...)) end
end

if close then
  -- A thread of a scheduler that is closed will not use what it waits for.
  function coroutine.close(thread, ...)
    abandon(thread)
    return close(thread, ...)
  end
end
