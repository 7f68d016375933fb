-- Replaces coroutine.resume and coroutine.wrap, so that a Copas thread may wait inside coroutines of the user's: a wait
-- yields `parked`, which is passed on to the scheduler, and what the scheduler resumes with is passed back. In Lua
-- rather than C, because Lua 5.1 and LuaJIT cannot yield across a C function.
local parked, abandon = ...

local create, resume, yield, close = coroutine.create, coroutine.resume, coroutine.yield, coroutine.close
local error, pcall, type = error, pcall, type

-- How many levels above `unwrap` the caller of a wrapped coroutine is; Lua 5.1 has one more for each tail call.
local caller, tail_call = 2, _VERSION == "Lua 5.1" and not rawget(_G, "jit") and 1 or 0

-- Raises what the function of Lua says of wrong arguments, in the name of the one in its place, where that was called.
local function refuse(name, original, ...)
  local _, fault = pcall(original, ...)
  error((fault:gsub("to '[^']*'", ("to '%s'"):format(name), 1)), 3)
end

-- What it is given counts the values: a coroutine that yields none gives none.
local function pass(thread, ...)
  local alive, first = ...
  if alive and first == parked then return pass(thread, resume(thread, yield(parked))) end
  return ...
end

function coroutine.resume(thread, ...)
  if type(thread) ~= "thread" then refuse("resume", resume, thread, ...) end
  return pass(thread, resume(thread, ...))
end

local function values(_, ...) return ... end

local function unwrap(thread, level, ...)
  local alive, first = ...
  if alive then
    if first == parked then return unwrap(thread, level + tail_call, resume(thread, yield(parked))) end
    return values(...)
  end
  if close and coroutine.status(thread) == "dead" then close(thread) end
  error(first, type(first) == "string" and level or 0)
end

function coroutine.wrap(...)
  local body = ...
  if type(body) ~= "function" then refuse("wrap", create, ...) end
  local thread = create(body)
  return function(...) return unwrap(thread, caller + tail_call, resume(thread, ...)) end
end

if close then
  -- A thread of a scheduler that is closed will not use what it waits for.
  function coroutine.close(...)
    local thread = ...
    local status = type(thread) == "thread" and coroutine.status(thread)
    if status ~= "suspended" and status ~= "dead" then refuse("close", close, ...) end
    abandon(thread)
    return close(thread)
  end
end
