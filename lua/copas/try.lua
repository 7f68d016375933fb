-- LuaSocket's newtry, try and protect, safe for what waits.
--
-- A failed try throws a table with the error; protect turns it back into nil and the error. LuaSocket's own modules may
-- have taken its older functions before: their tables, marked or not, are understood too.
local pcall = pcall
if _VERSION == "Lua 5.1" and not jit then -- nothing can wait across its own pcall
  local found, coxpcall = pcall(require, "coxpcall")
  if found then pcall = coxpcall.pcall end
end

local failure = {}
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

-- LuaSocket throws a table with one string, without a metatable in old versions, with a private one in new ones.
local function thrown_by_try(err)
  if type(err) ~= "table" then return false end
  local mt = getmetatable(err)
  if mt == failure then return true end
  local first = next(err)
  return first == 1 and next(err, first) == nil and (mt == nil or type(mt) == "table" and mt.__tostring ~= nil)
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
