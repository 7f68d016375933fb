-- LuaSocket's newtry, try and protect, safe for what waits.
--
-- A failed try throws a table with the error; protect turns it back into nil and the error. Modules of LuaSocket may
-- have taken its own functions before: so that either protect understands either try, the tables have its metatable.
local luasocket, pcall, debug = ...

-- The metatable of what LuaSocket's try throws.
local function metatable_of_luasocket()
  local _, thrown = pcall(luasocket.try, nil, "")
  return type(thrown) == "table" and debug.getmetatable(thrown) or nil
end

local failure = luasocket and metatable_of_luasocket() or {}
failure.thrown_by_try = true -- whatever instance of this module or of the native one threw it
failure.__tostring = function(self)
  return ("Copas 'try' error intermediate table: '%s'"):format(tostring(self[1]))
end

local try = {}

function try.newtry(finalise)
  return function(...)
    if (...) then return ... end
    if finalise then pcall(finalise, select(2, ...)) end
    error(setmetatable({ (select(2, ...)) }, failure), 0)
  end
end

try.try = try.newtry()

local function thrown_by_try(err)
  local mt = type(err) == "table" and debug.getmetatable(err)
  return mt and mt.thrown_by_try
end

local function protected(ok, ...)
  if ok then return ... end
  local err = ...
  if thrown_by_try(err) then return nil, err[1] end
  error(err, 0)
end

function try.protect(body)
  return function(...)
    return protected(pcall(body, ...))
  end
end

return try
