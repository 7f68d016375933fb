---@meta copas.ftp

-- What `require "copas.ftp"` returns: LuaSocket's `socket.ftp` on sockets that wait for the calling thread, those for the data
-- too. What it lacks is read from there; `PORT`, `TIMEOUT`, `USER` and `PASSWORD` are written there. `TIMEOUT` is for each
-- wait.

---@class copas.ftplib
local ftplib = {}

---TLS is "explicit", demanded by a command (AUTH), or "implicit", there from the first byte; "explicit" if there are
---`sslparams` and nothing else is said. Without it nothing is sent. What `sslparams`, those of `copas.wrap`, leave open is as
---in `copas.http`: TLS 1.2 or newer, the chain verified by the authorities of the system, and the host.
---@class copas.ftp.options
---@field url? string         instead of `host`, `port`, `user`, `password` and `path`; ftps:// is TLS that is implicit
---@field host? string
---@field port? integer       21; 990 for TLS that is implicit
---@field user? string        "ftp"
---@field password? string    "anonymous@anonymous.org"
---@field path? string        of the file
---@field type? "a"|"i"       text or bytes
---@field command? string|string[]  default "retr" and "stor"
---@field argument? string|string[]  instead of the path
---@field check? string|integer|table  for `command`: pattern of the codes to be answered
---@field sink? function      LTN12
---@field source? function    LTN12
---@field step? function      instead of ltn12.pump.step
---@field create? function    makes the socket for the commands
---@field tls? "explicit"|"implicit"  for commands and data
---@field sslparams? table|userdata

---Gets a file: its content if the request is a URL; otherwise 1, and the content goes to the sink.
---@param request string|copas.ftp.options
---@return string|1|nil content
---@return string? err
function ftplib.get(request) end

---Stores a file.
---@param request string|copas.ftp.options
---@param content? string       for a URL
---@return integer? sent        bytes
---@return string? err
function ftplib.put(request, content) end

---Sends a command, or several, that need no further connection.
---@param request copas.ftp.options
---@return 1? done
---@return string? err
function ftplib.command(request) end

---Connects for a session step by step: LuaSocket's object with `greet()`, `login(user, password)`, `type(type)`,
---`cwd(folder)`, `epsv()` before each `send(request)` or `receive(request)`, `quit()` and `close()`. Errors are thrown as by
---`socket.try`.
---@param server string
---@param port? integer
---@param create? function  makes the socket for the commands
---@return table session
function ftplib.open(server, port, create) end

return ftplib
