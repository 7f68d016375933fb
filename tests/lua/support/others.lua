-- Libraries in tests/compat/clients, and others that know nothing of this project.
local here = debug.getinfo(1, "S").source:match("^@(.*)lua/support/others%.lua$")

local others = {}

---A library, loaded anew, so that it finds the instance of the module that is tested.
function others.load(name)
  local before = package.path
  package.path = here .. "compat/clients/?.lua;" .. before
  package.loaded[name] = nil
  local library = require(name)
  package.path = before
  return library
end

---Debian's lua-redis, which has folders for versions of Lua up to 5.3 only.
function others.load_redis()
  return assert(loadfile("/usr/share/lua/5.1/redis.lua"))()
end

return others
