-- A pcall, for what does not wait, that leaves errors as they are, also where a program for Lua 5.1 has put that of
-- coxpcall in place of Lua's, which adds a traceback to them.
local debug = ...

if _VERSION ~= "Lua 5.1" or rawget(_G, "jit") or debug.getinfo(pcall, "S").what == "C" then return pcall end

local create, resume = coroutine.create, coroutine.resume
return function(f, ...)
  local function call(...) return f(...) end -- for Lua 5.1 makes no coroutines of functions in C
  return resume(create(call), ...)
end
