-- Finds the companion that brings OpenSSL: beside the library, or the program, that this code is in, or else where
-- `require` looks.
local version, own_path, library_folder = ...

local folder = own_path:match("^(.*/)") or ""
local lua = "lua/" .. _VERSION:match("%d+%.%d+") .. "/"

local function load_from(path)
  local file = io.open(path, "rb")
  if not file then return nil end
  file:close()
  local open, err = package.loadlib(path, "luaopen_copas_openssl")
  if not open then error(err, 0) end
  return open()
end

local function find()
  local preloaded = package.preload["copas.openssl"]
  if preloaded then return preloaded("copas.openssl") end
  for _, place in ipairs { "", "../" .. lua, "../" .. library_folder .. "/" .. lua } do
    local companion = load_from(folder .. place .. "copas/openssl.so")
    if companion then return companion end
  end
  return require("copas.openssl")
end

local companion = find()
if companion.version ~= version then
  error(("the TLS library copas/openssl.so is of version %s, copas of %s"):format(companion.version, version), 0)
end
return companion.engine
