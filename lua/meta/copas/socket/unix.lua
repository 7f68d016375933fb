---@meta copas.socket.unix

-- What `require "copas.socket.unix"` returns, and in the runtime also `require "socket.unix"`: LuaSocket's interface to
-- Unix sockets. Calling the module is calling `stream`. Methods here block the whole process, as LuaSocket's do;
-- `copas.wrap` makes them wait instead.
--
-- A path that begins with a NUL is a name in Linux's abstract name space. Longer ones than 107 bytes: "path too long".

---@class copas.unixlib
---@overload fun(): copas.unixstream?, string?
local unix = {}

---@return copas.unixstream? skt
---@return string? err
function unix.stream() end

---@return copas.unixdgram? skt
---@return string? err
function unix.dgram() end

---The other names.
unix.tcp = unix.stream
unix.udp = unix.dgram

---A Unix socket for streams. Its class is "unixstream{master}" until `listen` makes it "unixstream{server}", or `connect`
---"unixstream{client}". What is not described here is as for `copas.tcp`.
---@class copas.unixstream
---@field class string  "unixstream{master}", "unixstream{server}" or "unixstream{client}"
local stream = {}

---@param path string  the file must not exist, and stays when the socket is closed
---@return 1? bound
---@return string? err
function stream:bind(path) end
stream.setsockname = stream.bind

---@param backlog? integer  default 32
---@return 1? listening
---@return string? err
function stream:listen(backlog) end

---@param path string
---@return 1? connected
---@return string? err  "No such file or directory", "connection refused", ...; the socket stays a master
function stream:connect(path) end
stream.setpeername = stream.connect

---@return copas.unixstream? client
---@return string? err
function stream:accept() end

---See `copas.receive`.
---@param pattern? "*l"|"*a"|integer|string
---@param prefix? string
---@return string? data
---@return string? err
---@return string? partial
function stream:receive(pattern, prefix) end

---See `copas.send`.
---@param data string|number
---@param i? integer
---@param j? integer
---@return integer? last
---@return string? err
---@return integer? last_sent
function stream:send(data, i, j) end

---@return 1
function stream:close() end

---@param mode? "both"|"send"|"receive"
---@return 1
function stream:shutdown(mode) end

---@return string? path  "" if it was not bound
---@return string? err
function stream:getsockname() end

---@param timeout? number
---@param mode? "b"|"t"|"r"
---@return 1
function stream:settimeout(timeout, mode) end

---@param name "gather-output"|"keepalive"|"linger"|"reuseaddr"
---@param value any
---@return 1? set
---@return string? err
function stream:setoption(name, value) end

---@return integer received
---@return integer sent
---@return number age
function stream:getstats() end

---@param received? integer
---@param sent? integer
---@param age? number
---@return 1
function stream:setstats(received, sent, age) end

---@return integer fd
function stream:getfd() end

---@param fd integer
function stream:setfd(fd) end

---@return boolean
function stream:dirty() end

---A Unix socket for datagrams, of class "unixdgram{unconnected}" or "unixdgram{connected}". What is not described here is
---as for `copas.udp`.
---@class copas.unixdgram
---@field class string  "unixdgram{unconnected}" or "unixdgram{connected}"
local dgram = {}

---@param path string  the file must not exist, and stays when the socket is closed
---@return 1? bound
---@return string? err
function dgram:bind(path) end
dgram.setsockname = dgram.bind

---@param path string
---@return 1? connected
---@return string? err
function dgram:connect(path) end
dgram.setpeername = dgram.connect

---@param data string|number
---@return integer? sent
---@return string? err
function dgram:send(data) end

---@param data string|number
---@param path string
---@return integer? sent
---@return string? err
function dgram:sendto(data, path) end

---@param size? integer
---@return string? datagram
---@return string? err
function dgram:receive(size) end

---@param size? integer
---@return string? datagram
---@return string? path_or_err  "" if the sender was not bound
function dgram:receivefrom(size) end

---@return 1
function dgram:close() end

---@return string? path
---@return string? err
function dgram:getsockname() end

---@param timeout? number
---@param mode? "b"|"t"|"r"
---@return 1
function dgram:settimeout(timeout, mode) end

---@return number block
---@return number total
function dgram:gettimeout() end

---@param name "reuseaddr"
---@param value boolean
---@return 1? set
---@return string? err
function dgram:setoption(name, value) end

---@return integer fd
function dgram:getfd() end

---@param fd integer
function dgram:setfd(fd) end

---@return false
function dgram:dirty() end

return unix
