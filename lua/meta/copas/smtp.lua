---@meta copas.smtp

-- What `require "copas.smtp"` returns: LuaSocket's `socket.smtp` on sockets that wait for the calling thread. What it lacks
-- (`message`) is read from there; `PORT`, `SERVER`, `TIMEOUT`, `DOMAIN`, `ZONE` and `TIMEZONE` are written there. `TIMEOUT` is
-- for each wait.

---@class copas.smtplib
local smtplib = {}

---TLS is "explicit", demanded by a command (STARTTLS), or "implicit", there from the first byte; "explicit" if there are
---`sslparams` and nothing else is said. Without it nothing is sent. What `sslparams`, those of `copas.wrap`, leave open is as
---in `copas.http`: TLS 1.2 or newer, the chain verified by the authorities of the system, and the host.
---@class copas.smtp.options
---@field from string           an address in angle brackets
---@field rcpt string|string[]  one or several of them
---@field source function       LTN12: the mail as `message` makes it
---@field server? string        "localhost"
---@field port? integer         25; 465 for TLS that is implicit
---@field user? string
---@field password? string
---@field domain? string        of the sender's machine
---@field step? function        instead of ltn12.pump.step
---@field create? function      makes the socket
---@field tls? "explicit"|"implicit"
---@field sslparams? table|userdata

---Sends a mail.
---@param mail copas.smtp.options
---@return 1? sent
---@return string? err  what the server said
function smtplib.send(mail) end

---Connects for a session step by step: LuaSocket's object with `greet(domain)`, `auth(user, password, extensions)`,
---`send(mail)`, `quit()` and `close()`. Errors are thrown as by `socket.try`.
---@param server? string
---@param port? integer
---@param create? function  makes the socket
---@return table session
function smtplib.open(server, port, create) end

return smtplib
