---@meta copas.ftp

-- What `require "copas.ftp"` returns: LuaSocket's `socket.ftp` on sockets that wait for the calling thread. What it lacks is
-- read from there; `PORT`, `TIMEOUT`, `USER` and `PASSWORD` are written there.

---@class copas.ftplib
local ftplib = {}

---Gets a file: its content if the request is a URL; otherwise 1, and the content goes to the sink.
---@param request string|table  `{ host =, path =, sink =, [port =, user =, password =, type =, command =, argument =] }`
---@return string|1|nil content
---@return string? err
function ftplib.get(request) end

---Stores a file.
---@param request string|table  `{ host =, path =, source =, ... }`
---@param content? string       for a URL
---@return integer? sent        bytes
---@return string? err
function ftplib.put(request, content) end

---Sends a command, or several, that need no further connection.
---@param request table  `{ host =, command =, argument =, check = }`
---@return 1? done
---@return string? err
function ftplib.command(request) end

return ftplib
