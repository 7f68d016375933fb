-- copas.smtp: LuaSocket's socket.smtp on sockets that wait for the thread that uses them.
local copas, internal = ...

local socket = internal.load("socket_of_requests")
local luasocket = require("socket.smtp")

local smtp = internal.load("requests_of", luasocket,
  { PORT = true, SERVER = true, TIMEOUT = true, DOMAIN = true, TIMEZONE = true, ZONE = true })

---send{ from =, rcpt =, source =, ... }
function smtp.send(mail)
  local copy = {}
  for name, value in pairs(mail) do copy[name] = value end
  copy.create = copy.create or function() return copas.wrap(socket.tcp()) end
  return luasocket.send(copy)
end

return smtp
