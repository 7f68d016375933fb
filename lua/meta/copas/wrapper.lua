---@meta _

-- What `copas.wrap` returns: sockets whose methods wait for the thread that calls them, and let others run.

---A socket whose methods wait for the thread that calls them. Made by `copas.wrap`; a table that may get fields of its
---own.
---@class copas.wrapper
---@field socket copas.raw
---@field ssl_params { wrap: table|userdata|false, sni: table|false }
local wrapper = {}

---`copas.receive`; but `copas.receivepartial` when the receive timeout is 0.
---@param pattern? "*l"|"*a"|integer|string
---@param prefix? string
---@return string? data
---@return string? err
---@return string? partial
function wrapper:receive(pattern, prefix) end

---`copas.receivepartial`.
---@param pattern? "*l"|"*a"|integer|string
---@param prefix? string
---@return string? data
---@return string? err
---@return string? partial
function wrapper:receivepartial(pattern, prefix) end

---Names the peer that is wanted (a client), or the contexts for the names that clients ask for (a server). The connection
---is secured first if it is not.
---@param names? string|table<string, userdata>  default: those of `ssl_params.sni`
---@param strict? boolean                        refuse clients that ask for another name
function wrapper:sni(names, strict) end

---`copas.dohandshake`: `socket` is the secured connection afterwards, also when that fails.
---@param params? table|userdata  default: `ssl_params.wrap`
---@return copas.wrapper? itself
---@return string? err
function wrapper:dohandshake(params) end

---@return string? protocol  that was agreed on by ALPN
---@return "not a tls socket"? err
function wrapper:getalpn() end

---@return string? name  that the client asked for
---@return "not a tls socket"? err
function wrapper:getsniname() end

---`copas.send`.
---@param data string|number
---@param i? integer
---@param j? integer
---@return integer? last
---@return string? err
---@return integer? last_sent
function wrapper:send(data, i, j) end

---`copas.connect`.
---@param host string
---@param port integer|string
---@return 1? connected
---@return string? err
function wrapper:connect(host, port) end

---`copas.close`.
---@param ... any
---@return any ...
function wrapper:close(...) end

---`copas.settimeout`.
---@param timeout? number
---@return true? set
---@return string? err
function wrapper:settimeout(timeout) end

---`copas.settimeouts`.
---@param connect? number
---@param send? number
---@param read? number
---@return true? set
---@return string? err
function wrapper:settimeouts(connect, send, read) end

---Sends what is held back: see `copas.flush`.
function wrapper:flush() end

-- What follows is handed on to the raw socket.

---@param host string
---@param port integer|string
---@return 1? bound
---@return string? err
function wrapper:bind(host, port) end

---@param backlog? integer
---@return 1? listening
---@return string? err
function wrapper:listen(backlog) end

---The raw socket's `accept`: does not wait, and gives a raw connection.
---@return copas.raw? client
---@return string? err
function wrapper:accept() end

---@param mode? "both"|"send"|"receive"
---@return 1
function wrapper:shutdown(mode) end

---@return integer received
---@return integer sent
---@return number age
function wrapper:getstats() end

---@param received? integer
---@param sent? integer
---@param age? number
---@return 1
function wrapper:setstats(received, sent, age) end

---@return integer fd
function wrapper:getfd() end

---@return boolean
function wrapper:dirty() end

---@return string? ip
---@return integer|string port_or_err  "not implemented by LuaSec" if the raw socket has no such method
---@return string? family
function wrapper:getsockname() end

---@return string? ip
---@return integer|string port_or_err  "not implemented by LuaSec" if the raw socket has no such method
---@return string? family
function wrapper:getpeername() end

---@param name string
---@return any value
---@return string? err  "not implemented by LuaSec" if the raw socket does not know the option
function wrapper:getoption(name) end

---@param name string
---@param value any
---@return 1? set
---@return string? err  "not implemented by LuaSec" if the raw socket does not know the option or refuses the value
function wrapper:setoption(name, value) end

---A socket for datagrams whose `receive` methods wait for the thread that calls them. Made by `copas.wrap`; a table that
---may get fields of its own.
---@class copas.datagramwrapper
---@field socket copas.raw
---@field private accept function
---@field private bind function
---@field private dohandshake function
---@field private getalpn function
---@field private getsniname function
---@field private sni function
---@field private connect function
---@field private getstats function
---@field private listen function
---@field private setstats function
---@field private shutdown function
local datagram = {}

---`copas.receive`.
---@param size? integer  default 8192
---@return string? datagram
---@return string? err
function datagram:receive(size) end

---The same.
---@param size? integer
---@return string? datagram
---@return string? err
function datagram:receivepartial(size) end

---`copas.receivefrom`.
---@param size? integer  default 8192
---@return string? datagram
---@return string? ip_or_err
---@return integer|string? port
function datagram:receivefrom(size) end

---Does nothing: the socket may be a server's, too. `copas.close(wrapped.socket)` closes it.
---@return true
function datagram:close() end

---`copas.settimeout`.
---@param timeout? number
---@return true? set
---@return string? err
function datagram:settimeout(timeout) end

---`copas.settimeouts`.
---@param connect? number
---@param send? number
---@param read? number
---@return true? set
---@return string? err
function datagram:settimeouts(connect, send, read) end

---Does nothing.
function datagram:flush() end

-- What follows is handed on to the raw socket, and does not wait.

---@param data string|number
---@return integer? sent
---@return string? err
function datagram:send(data) end

---@param data string|number
---@param ip string
---@param port? integer|string
---@return integer? sent
---@return string? err
function datagram:sendto(data, ip, port) end

---@param host string
---@param port integer|string
---@return 1? bound
---@return string? err
function datagram:setsockname(host, port) end

---@param host string
---@param port? integer|string
---@return 1? set
---@return string? err
function datagram:setpeername(host, port) end

---@return integer fd
function datagram:getfd() end

---@return false
function datagram:dirty() end

---@return string? ip
---@return integer|string port_or_err
---@return string? family
function datagram:getsockname() end

---@return string? ip
---@return integer|string port_or_err  "not implemented by LuaSec" if it has no peer
---@return string? family
function datagram:getpeername() end

---@param name string
---@return any value
---@return string? err  "not implemented by LuaSec" if the raw socket does not know the option
function datagram:getoption(name) end

---@param name string
---@param value any
---@return 1? set
---@return string? err  "not implemented by LuaSec" if the raw socket does not know the option or refuses the value
function datagram:setoption(name, value) end
