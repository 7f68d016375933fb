-- A module that stands before one of LuaSocket: what it lacks is read from there, and some of its constants are written
-- there.
local behind, forwarded = ...

return setmetatable({}, {
  __index = function(_, name) return behind[name] end,
  __newindex = function(self, name, value)
    if forwarded[name] then
      behind[name] = value
    else
      rawset(self, name, value)
    end
  end,
})
