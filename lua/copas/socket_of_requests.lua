-- The socket module that requests use, and with them the modules of LuaSocket in Lua: that of the program; or where it
-- has none, the native one, which answers to that name from then on.
local found, socket = pcall(require, "socket")
if found then return socket end
package.preload["socket"] = function() return require("copas.socket") end
return require("socket")
