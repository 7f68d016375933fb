-- Finds a companion, a library that brings what few programs need: beside the library, or the program, that this code
-- is in, or else where `require` looks. Without one it raises an error.
local name, what, version, own_path, library_folder = ...

local module = "copas." .. name
local folder = own_path:match("^(.*/)") or ""
local lua = "lua/" .. _VERSION:match("%d+%.%d+") .. "/"

local function load_from(path)
  local file = io.open(path, "rb")
  if not file then return nil end
  file:close()
  local open, err = package.loadlib(path, "luaopen_copas_" .. name)
  if not open then error(err, 0) end
  return open()
end

local function find()
  local preloaded = package.preload[module]
  if preloaded then return preloaded(module) end
  for _, place in ipairs { "", "../" .. lua, "../" .. library_folder .. "/" .. lua } do
    local companion = load_from(folder .. place .. "copas/" .. name .. ".so")
    if companion then return companion end
  end
  return require(module)
end

local companion = find()
if companion.version ~= version then
  error(("the %s library copas/%s.so is of version %s, copas of %s"):format(what, name, companion.version, version), 0)
end
return companion.engine
