---@meta copas.socket

-- What `require "copas.socket"` returns, and in the runtime also `require "socket"`: LuaSocket's interface on native
-- sockets. Functions and methods here block the whole process, as LuaSocket's do; `copas.wrap` makes them wait instead.
--
-- Errors are returned as nil and a text: "timeout", "closed", "connection refused", "address already in use", "already
-- connected", "permission denied", "host or service not provided, or not known", or the text of strerror(3).

---@class copas.socketlib
---@field BLOCKSIZE integer       how much sources read at a time: 2048
---@field _VERSION string         of the LuaSocket that it is compatible with
---@field _DATAGRAMSIZE integer
---@field _SETSIZE number         a large number: `select` has no limit
---@field _SOCKETINVALID integer  -1
---@field dns copas.dnslib
---@field sinkt table<string, function>    what `sink` chooses from
---@field sourcet table<string, function>  what `source` chooses from
local socket = {}

---A TCP socket whose family is that of the address it is bound or connected to. It has no descriptor before.
---@return copas.tcp
function socket.tcp() end

---A TCP socket for IPv4.
---@return copas.tcp? skt
---@return string? err
function socket.tcp4() end

---A TCP socket for IPv6 only.
---@return copas.tcp? skt
---@return string? err
function socket.tcp6() end

---A UDP socket whose family is that of the first address it is bound to or sends to. It has no descriptor before.
---@return copas.udp
function socket.udp() end

---A UDP socket for IPv4.
---@return copas.udp? skt
---@return string? err
function socket.udp4() end

---A UDP socket for IPv6 only.
---@return copas.udp? skt
---@return string? err
function socket.udp6() end

---Listens at the first address of a host that can be had, with the option "reuseaddr".
---@param host string  "*" is every IPv4 address of this machine
---@param port integer|string  0 lets the system choose
---@param backlog? integer  default 32
---@return copas.tcp? server
---@return string? err
function socket.bind(host, port, backlog) end

---Connects to the first address of a host that accepts.
---@param host string
---@param port integer|string
---@param lhost? string  address to connect from
---@param lport? integer|string  port to connect from
---@param family? "unspec"|"inet"|"inet6"
---@return copas.tcp? client
---@return string? err
function socket.connect(host, port, lhost, lport, family) end

---`socket.connect` by IPv4 only.
---@param host string
---@param port integer|string
---@param lhost? string
---@param lport? integer|string
---@return copas.tcp? client
---@return string? err
function socket.connect4(host, port, lhost, lport) end

---`socket.connect` by IPv6 only.
---@param host string
---@param port integer|string
---@param lhost? string
---@param lport? integer|string
---@return copas.tcp? client
---@return string? err
function socket.connect6(host, port, lhost, lport) end

---Waits, blocking, until one of several sockets is ready. Those without a descriptor are ignored; those that are
---`dirty()` are ready to read.
---@param to_read? copas.raw[]   objects with `getfd`
---@param to_write? copas.raw[]
---@param timeout? number        in seconds; nil or negative: no limit
---@return table readable        the ready ones, in order; also maps each to its position
---@return table writable
---@return string? err           "timeout" if none is ready
function socket.select(to_read, to_write, timeout) end

---Time since the Unix epoch, in seconds.
---@return number
function socket.gettime() end

---Blocks the process for a time. `copas.pause` blocks the calling thread only.
---@param seconds number
function socket.sleep(seconds) end

---Its arguments but for the first `n` of them.
---@param n integer
---@param ... any
---@return any ...
function socket.skip(n, ...) end

---Makes a function that calls one of `functions`, by the name in its first argument; "default" if that is no string.
---Throws "unknown key (NAME)".
---@param functions table<string, function>
---@return fun(name: any, first: any, second: any): any
function socket.choose(functions) end

---An LTN12 sink that sends.
---@param mode "keep-open"|"close-when-done"|string
---@param skt copas.raw
---@return table sink
function socket.sink(mode, skt) end

---An LTN12 source that receives.
---@param mode "until-closed"|"by-length"|string
---@param skt copas.raw
---@param length? integer  for "by-length"
---@return table source
function socket.source(mode, skt, length) end

---Makes a function that returns its arguments if the first is true, and otherwise calls `finalise` with the others and
---throws the second, for `protect` to catch.
---@param finalise? function  its errors are ignored
---@return fun(...): ...
function socket.newtry(finalise) end

---`newtry` without a finaliser.
---@param ... any
---@return any ...
function socket.try(...) end

---Makes a function that returns nil and the error when `body` fails in a `try`. Other errors go on. The body may wait.
---@param body function
---@return function
function socket.protect(body) end

---@return 1
function socket.__unload() end

---Look-ups of host names. A thread waits for them, and others go on; elsewhere they block. So do all functions and methods
---that take a host name: `bind`, `connect`, `setsockname`, `setpeername`, `sendto`. `copas.resolver` says how names are
---looked up.
---@class copas.dnslib
local dns = {}

---The addresses of a host, in the order in which this machine should try them.
---@param host string
---@return { family: "inet"|"inet6", addr: string }[]? addresses
---@return string? err
function dns.getaddrinfo(host) end

---The first IPv4 address of a host.
---@param name string
---@return string? ip
---@return copas.dnslib.host|string found  or the error: "host not found"
function dns.toip(name) end

---The name of a host, given by its address or another name.
---@param address string
---@return string? name
---@return copas.dnslib.host|string found  or the error: "host not found"
function dns.tohostname(address) end

---@class copas.dnslib.host
---@field name string
---@field alias string[]
---@field ip string[]

---The names of a host, or of a service. Throws "host and serv cannot be both nil".
---@param host? string
---@param service? string|integer
---@return string[]? names
---@return string service_or_err
function dns.getnameinfo(host, service) end

---The name of this machine.
---@return string? name
---@return string? err
function dns.gethostname() end

---A TCP socket. Its class, which `tostring` shows, changes: "tcp{master}" becomes "tcp{server}" by `listen`,
---"tcp{client}" by `connect`. Methods of another class throw "tcp{...} expected".
---
---`settimeout` limits the methods below; the limits of Copas' own operations are those of `copas.settimeout`.
---@class copas.tcp
---@field class string  at the moment: "tcp{master}", "tcp{server}" or "tcp{client}"
local tcp = {}

---@param host string  "*" is every IPv4 address
---@param port integer|string  0 lets the system choose
---@return 1? bound
---@return string? err
function tcp:bind(host, port) end

---The older name of `bind`.
tcp.setsockname = tcp.bind

---@param backlog? integer  default 32
---@return 1? listening
---@return string? err
function tcp:listen(backlog) end

---Connects to the first address of a host that accepts. With a timeout of 0 it returns nil and "timeout" while that is
---in progress; a later call tells how it went.
---@param host string
---@param port integer|string
---@return 1? connected
---@return string? err
function tcp:connect(host, port) end

---The other name of `connect`.
tcp.setpeername = tcp.connect

---@return copas.tcp? client
---@return string? err
function tcp:accept() end

---See `copas.receive`.
---@param pattern? "*l"|"*a"|integer|string
---@param prefix? string
---@return string? data
---@return string? err
---@return string? partial
function tcp:receive(pattern, prefix) end

---See `copas.send`.
---@param data string|number
---@param i? integer
---@param j? integer
---@return integer? last
---@return string? err
---@return integer? last_sent
function tcp:send(data, i, j) end

---Closes the socket; threads that wait on it go on with the error "closed". May be called again.
---@return 1
function tcp:close() end

---@param mode? "both"|"send"|"receive"  default "both"
---@return 1
function tcp:shutdown(mode) end

---@return string? ip
---@return integer|string port_or_err
---@return "inet"|"inet6"? family
function tcp:getsockname() end

---@return string? ip
---@return integer|string port_or_err
---@return "inet"|"inet6"? family
function tcp:getpeername() end

---@return "inet4"|"inet6"
function tcp:getfamily() end

---Limits blocking calls: each wait inside a call ("b"), or a whole call ("t" or "r").
---@param timeout? number  in seconds; nil or negative: no limit; 0: do not wait
---@param mode? "b"|"t"|"r"  default "b"
---@return 1
function tcp:settimeout(timeout, mode) end

---@return number block  in seconds; -1: no limit
---@return number total
function tcp:gettimeout() end

---@return integer received  bytes that calls have taken, line ends included
---@return integer sent
---@return number age        seconds
function tcp:getstats() end

---@param received? integer  default 0
---@param sent? integer      default 0
---@param age? number        default 0
---@return 1
function tcp:setstats(received, sent, age) end

---@return integer fd  -1 if there is none
function tcp:getfd() end

---Takes over a descriptor, which must be non-blocking. The old one is given away: it stays open.
---@param fd integer  -1 for none
function tcp:setfd(fd) end

---Are there bytes that were read from the system and not taken yet?
---@return boolean
function tcp:dirty() end

---The value is a boolean, a number, a string, { on = boolean, timeout = seconds } for "linger", or an error text
---(nil for none) for "error". Throws for an unknown option.
---@param name copas.option|"error"
---@return any value
---@return string? err  "getsockopt failed"
function tcp:getoption(name) end

---Throws for an unknown option and for a value of another type.
---@param name copas.option|"ipv6-v6only"|"tcp-defer-accept"|"tcp-fastopen"|"tcp-fastopen-connect"
---@param value any
---@return 1? set
---@return string? err  "setsockopt failed"
function tcp:setoption(name, value) end

---@alias copas.option
---| "bindtodevice"      # string
---| "gather-output"     # boolean, true at first: whether small sends leave together while more input is there; a server's is that of its connections
---| "keepalive"         # boolean
---| "linger"            # { on = boolean, timeout = seconds }
---| "recv-buffer-size"  # number
---| "reuseaddr"         # boolean
---| "reuseport"         # boolean
---| "send-buffer-size"  # number
---| "tcp-keepcnt"       # number
---| "tcp-keepidle"      # number, seconds
---| "tcp-keepintvl"     # number, seconds
---| "tcp-nodelay"       # boolean

---A UDP socket. Its class, which `tostring` shows, is "udp{connected}" if it has a peer, and otherwise
---"udp{unconnected}". Methods of the other class throw "udp{...} expected".
---
---`settimeout` limits the methods below; the limits of Copas' own operations are those of `copas.settimeout`.
---@class copas.udp
---@field class string  "udp{unconnected}" or "udp{connected}"
local udp = {}

---Binds an unconnected socket.
---@param host string  "*" is every IPv4 address
---@param port integer|string  0 lets the system choose
---@return 1? bound
---@return string? err
function udp:setsockname(host, port) end

---Connects it: datagrams go to this peer, and come from it, only.
---@param host string  "*" undoes that
---@param port? integer|string
---@return 1? set
---@return string? err
function udp:setpeername(host, port) end

---Sends a datagram to the peer of a connected socket.
---@param data string|number
---@return integer? sent  number of bytes
---@return string? err    "refused" if the socket is closed, "connection refused" if nobody was there for an earlier one
function udp:send(data) end

---Sends a datagram by an unconnected socket, which gets a port when it has none.
---@param data string|number
---@param ip string  a numeric address
---@param port integer|string
---@return integer? sent
---@return string? err
function udp:sendto(data, ip, port) end

---Receives one datagram.
---@param size? integer  at most so many bytes of it, default 8192; the rest is lost
---@return string? datagram
---@return string? err  "timeout", "closed", "connection refused", ...
function udp:receive(size) end

---Receives one datagram by an unconnected socket, and tells where it came from.
---@param size? integer
---@return string? datagram
---@return string? ip_or_err
---@return integer? port
function udp:receivefrom(size) end

---Closes the socket; threads that wait on it go on with the error "closed". May be called again.
---@return 1
function udp:close() end

---@return string? ip
---@return integer|string port_or_err
---@return "inet"|"inet6"? family
function udp:getsockname() end

---@return string? ip
---@return integer|string port_or_err
---@return "inet"|"inet6"? family
function udp:getpeername() end

---@return "inet4"|"inet6"
function udp:getfamily() end

---See `copas.tcp`.
---@param timeout? number
---@param mode? "b"|"t"|"r"
---@return 1
function udp:settimeout(timeout, mode) end

---@return number block
---@return number total
function udp:gettimeout() end

---@return integer fd  -1 if there is none
function udp:getfd() end

---See `copas.tcp`.
---@param fd integer
function udp:setfd(fd) end

---@return false
function udp:dirty() end

---Throws for an unknown option.
---@param name copas.udpoption|"error"
---@return any value
---@return string? err  "getsockopt failed"
function udp:getoption(name) end

---Throws for an unknown option and for a value of another type. A membership is { multiaddr = ip, interface = ip or "*" },
---of IPv6 { multiaddr = ip, interface = number or nil }.
---@param name copas.udpoption|"ip-multicast-ttl"|"ip-add-membership"|"ip-drop-membership"|"ipv6-add-membership"|"ipv6-drop-membership"
---@param value any
---@return 1? set
---@return string? err  "setsockopt failed"
function udp:setoption(name, value) end

---@alias copas.udpoption
---| "broadcast"            # boolean
---| "dontroute"            # boolean
---| "ip-multicast-if"      # string: an address, or "*"
---| "ip-multicast-loop"    # boolean
---| "ipv6-multicast-hops"  # number
---| "ipv6-multicast-loop"  # boolean
---| "ipv6-unicast-hops"    # number
---| "ipv6-v6only"          # boolean
---| "recv-buffer-size"     # number
---| "reuseaddr"            # boolean
---| "reuseport"            # boolean
---| "send-buffer-size"     # number

return socket
