---@meta copas.smtp

-- What `require "copas.smtp"` returns: LuaSocket's `socket.smtp` on sockets that wait for the calling thread. What it lacks
-- (`message`) is read from there; `PORT`, `SERVER`, `TIMEOUT`, `DOMAIN`, `ZONE` and `TIMEZONE` are written there.

---@class copas.smtplib
local smtplib = {}

---Sends a mail.
---@param mail table  `{ from =, rcpt = string or array, source =, [server =, port =, user =, password =, domain =] }`
---@return 1? sent
---@return string? err  what the server said
function smtplib.send(mail) end

return smtplib
