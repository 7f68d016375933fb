-- What is used here of the library `debug`, which a program may take away from what it runs: the functions as they were
-- when the module was loaded or, where they were gone already, what does without.
local library = rawget(_G, "debug") or package.loaded.debug or {}
local getmetatable = getmetatable

local functions = {}

-- The text alone.
local function no_traceback(first, second)
  return type(first) == "thread" and second or first
end

-- A function that is nobody's.
local function no_getinfo() return { source = {} } end

local function visible_metatable(object)
  local mt = getmetatable(object)
  return type(mt) == "table" and mt or nil
end

---The one of the moment, for programs replace it by one that tells more.
function functions.traceback()
  local current = rawget(_G, "debug")
  return type(current) == "table" and current.traceback or library.traceback or no_traceback
end

functions.getinfo = library.getinfo or no_getinfo
functions.getmetatable = library.getmetatable or visible_metatable

return functions
