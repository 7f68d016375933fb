-- A `require` for the runtime, whose modules may wait while they are loaded: Lua's own, in C, does not let them.
local loaded = package.loaded
local is_5_1, is_5_4 = _VERSION == "Lua 5.1", _VERSION == "Lua 5.4"
local loading = is_5_1 and _G.newproxy() or nil -- stands for a module until it is loaded

-- The function that loads a module, and what its searcher has to say to it.
local function loader_of(name)
  local searchers = package[is_5_1 and "loaders" or "searchers"]
  if type(searchers) ~= "table" then
    error(("'package.%s' must be a table"):format(is_5_1 and "loaders" or "searchers"), 3)
  end
  local reasons = {}
  for index = 1, math.huge do
    local searcher = rawget(searchers, index)
    if searcher == nil then error(("module '%s' not found:%s"):format(name, table.concat(reasons)), 3) end
    local found, extra = searcher(name)
    if type(found) == "function" then return found, extra end
    if type(found) == "string" then reasons[#reasons + 1] = is_5_4 and "\n\t" .. found or found end
  end
end

function _G.require(...)
  local name = ...
  if type(name) == "number" then name = tostring(name) end
  if type(name) ~= "string" then
    local given = select("#", ...) == 0 and "no value" or type(name)
    error(("bad argument #1 to 'require' (string expected, got %s)"):format(given), 2)
  end
  local value = loaded[name]
  if value then
    if value == loading then error(("loop or previous error loading module '%s'"):format(name), 2) end
    return value
  end
  local load, extra = loader_of(name)
  if loading then loaded[name] = loading end
  local result
  if is_5_1 then result = load(name) else result = load(name, extra) end
  if result ~= nil then loaded[name] = result end
  if loaded[name] == loading then loaded[name] = true end
  if is_5_4 then return loaded[name], extra end
  return loaded[name]
end
