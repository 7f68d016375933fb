-- Both kinds of sockets that Copas serves, for what is to be the same with either.
local loop = require("support.loop")
local sockets = require("support.sockets")

local kinds = { native = require("copas.socket"), luasocket = require("socket") }

---The module of each kind, by what its sockets are called.
kinds.modules = { ["a native socket"] = kinds.native, ["a socket of LuaSocket"] = kinds.luasocket }

---The same by what they are called themselves, for the interface that both have: LuaSocket is asked, too, so that the two
---agree.
kinds.libraries = { ["the native module"] = kinds.native, ["LuaSocket"] = kinds.luasocket }

---What a test begins with.
---@return table copas   a new scheduler
---@return table left    both ends of a connection, raw, which do not block
---@return table right
function kinds.connected(socket)
  local left, right = sockets.pair(socket)
  left:settimeout(0)
  right:settimeout(0)
  return loop.fresh(), left, right
end

return kinds
