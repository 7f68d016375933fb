---@meta copas

-- What `require "copas"` returns.

---What LuaSocket calls a socket: a native one, one of LuaSocket or LuaSec, or any other object with the methods that
---are called. An object that can answer "timeout", "wantread" or "wantwrite" needs `getfd` too.
---@alias copas.raw copas.tcp|copas.udp|copas.unixstream|copas.unixdgram|table|userdata

---Called with the error value, the thread that it ended, and the raw socket of that thread: the connection, in the
---handler of a server; otherwise what the thread waited on last, or nil. Results are ignored. It cannot wait.
---@alias copas.errorhandler fun(err: any, co: thread?, skt: copas.raw?)

---The scheduler. A *thread* is a coroutine that it runs; functions that wait may be called in threads only, and let the
---other threads run meanwhile. Calling the module, `copas(...)`, is calling `copas.loop(...)`.
---@class copas
---@field _VERSION string      the version of Copas that this module is compatible with: "Copas 4.11.0"
---@field _ENGINE string       the version of this project
---@field _COPYRIGHT string
---@field _DESCRIPTION string
---@field autoclose boolean    close connections when their handler ends? Read at each accept; default true
---@field running boolean      true while `copas.loop` runs; programs with a loop of their own may set it
---@field http copas.httplib             the module `copas.http`, loaded when it is first used
---@field ftp copas.ftplib               the module `copas.ftp`, likewise
---@field smtp copas.smtplib             the module `copas.smtp`, likewise
---@field lock copas.locklib   the module `copas.lock`, loaded when it is first used
---@field queue copas.queuelib          the module `copas.queue`, likewise
---@field future copas.futurelib        the module `copas.future`, likewise
---@field semaphore copas.semaphorelib  the module `copas.semaphore`, likewise
---@field debug copas.debuglib
---@field timer copas.timerlib  the module `copas.timer`, loaded when it is first used
---@overload fun(init?: function|number, timeout?: number)
local copas = {}

-- The loop

---Runs until nothing is left to do: no thread is ready, asleep for a time or waiting for a socket, and there is no
---server. Then it lets the threads in `copas.waitforexit` go on, and ends when they are done.
---
---Threads in `copas.pauseforever` do not keep it running. It may be called again afterwards.
---
---In the runtime, SIGINT or SIGTERM does what `copas.exit` does, and the loop ends when the threads that were released
---have ended, whatever else is left.
---@param init? function|number  a function to run in a thread called "copas_initializer"; or the timeout
---@param timeout? number        longest wait of a step, in seconds
function copas.loop(init, timeout) end

---One turn of the loop, for programs with a main loop of their own. Raises an error when the loop is running already; but
---a script of the runtime may call it, and lets the others run.
---
---Without a timeout it waits until there is something to do; if nothing is left at all, for 0.1 s.
---@param timeout? number  how long to wait at most, in seconds; 0: not at all
---@return boolean events  whether a socket had an event; threads may have run all the same
function copas.step(timeout) end

---Is nothing left to do? Then `copas.loop` would end.
---@return boolean
function copas.finished() end

---Releases the threads in `copas.waitforexit`, now and until the next loop starts. Ends nothing by itself.
function copas.exit() end

---Has `copas.exit` been called since the loop began? It stays true when the loop has ended.
---@return boolean
function copas.exiting() end

---Waits for `copas.exit`.
function copas.waitforexit() end

---Time since the Unix epoch, in seconds. With LuaSocket present it is the same function as `socket.gettime`.
---@return number
function copas.gettime() end

---Ends all threads but the caller's and those in `copas.waitforexit`, closes the sockets that they wait for, servers
---included, drops all timeouts, and calls `copas.exit`. The loop then ends as soon as the others are done.
function copas.cancelall() end

-- Threads

---Starts a thread. It begins to run in a later phase of the loop, never within this call.
---@param fn function  an error in it goes to the thread's error handler; its results are dropped
---@param ... any      its arguments
---@return thread co
function copas.addthread(fn, ...) end

---Starts a thread that has a name.
---@param name string?  see `copas.setthreadname`
---@param fn function
---@param ... any       its arguments
---@return thread co
---@overload fun(fn: function, name: string, ...: any): thread
function copas.addnamedthread(name, fn, ...) end

---Ends a thread: it leaves whatever it waits in at once, its to-be-closed variables run (Lua 5.4), and no error handler
---is called. The thread that runs ends at its next wait. Does nothing to the handlers of servers, to other coroutines,
---and to threads that have ended.
---@param co thread
function copas.removethread(co) end

---Waits for a time. A wait never ends early, but by `copas.wakeup`.
---@param seconds? number  nothing, 0 or less lets the other ready threads run
---@return number elapsed  in seconds
function copas.pause(seconds) end

---Waits for `copas.wakeup`. The thread is collected as garbage when nobody refers to it any more.
---@return number elapsed  in seconds
function copas.pauseforever() end

---As `copas.pause`, or as `copas.pauseforever` for a negative time.
---@deprecated
---@param seconds? number
function copas.sleep(seconds) end

---Ends a `copas.pause` (of a time) or `copas.pauseforever` early. The thread runs later, not within this call. It is
---not remembered: a thread that does not sleep does not notice.
---@param co thread
---@return true? woken
---@return "not sleeping"? err
function copas.wakeup(co) end

-- Timeouts of threads

---Calls a function after a time, on a coroutine of the scheduler's, unless the calling thread uses its timeout for
---something else first: a thread has one, which the next call replaces, and which an operation on a socket ends. Waking
---or removing the thread is up to the callback.
---
---Throws "the callback parameter is required" and "timout value must be greater than or equal to 0".
---@param delay number  in seconds; 0 or `math.huge` only ends the timeout that the thread has
---@param callback? fun(co: thread)  gets the thread that called this; its errors go to the default error handler
---@return true
function copas.timeout(delay, callback) end

---The number of pending timeouts: those of `copas.timeout`, and of operations that wait with a limit.
---@return integer
function copas.gettimeouts() end

-- Reports

---What `copas.status` counts. The times are there while statistics are on and a step has been made since the last call.
---@class copas.status.counts
---@field running boolean
---@field timeout integer   pending timeouts, as `copas.gettimeouts`
---@field timer integer     threads in `copas.pause`
---@field inactive integer  threads in `copas.pauseforever`
---@field read integer      waits for a socket to be readable, servers included
---@field write integer     waits for a socket to be writable
---@field active integer    threads that are ready to run
---@field steps? integer    of the loop, since the last call
---@field time_start? number  of the statistics, in seconds since the epoch
---@field time_end? number
---@field time_tot? number  seconds
---@field time_avg? number  milliseconds for each step, waits included
---@field duration_tot? number  milliseconds in which threads ran
---@field duration_min? number  of a step
---@field duration_max? number
---@field duration_avg? number
---@field duration_min_ever? number  since statistics were turned on
---@field duration_max_ever? number

---Counts threads by what they wait for.
---@param enable? boolean  true or false turns statistics on or off; the call that does so returns none
---@return copas.status.counts
function copas.status(enable) end

---Logging, of threads and of sockets. The texts are for people and may change.
---@class copas.debuglib
local debuglib = {}

---Logs each time a thread is resumed, waits or ends, until `copas.debug.stop`.
---@param logger? fun(line: string)  default: `print`
---@param core? boolean              the coroutine of `copas.timeout` too?
function debuglib.start(logger, core) end

---Ends logging.
function debuglib.stop() end

---Makes a proxy that prints each call of a socket's methods, with arguments and results.
---@param skt copas.raw|copas.wrapper
---@return table proxy  a wrapped socket is returned itself, and uses the proxy from now on
function debuglib.socket(skt) end

-- Names

---Names a thread. Names appear in the texts of errors.
---@param name string
---@param co? thread  default: the running one
function copas.setthreadname(name, co) end

---@param co? thread  default: the running one
---@return string name  "SERVER:handler_N" for the handler of a connection; tostring(co) if it has none
function copas.getthreadname(co) end

---Names a socket. A server should have its name before `copas.addserver`: its connections are called after it.
---@param name string
---@param skt copas.raw|copas.wrapper
function copas.setsocketname(name, skt) end

---@param skt copas.raw|copas.wrapper
---@return string name  "SERVER:client_N" for a connection of a server; tostring(skt) if it has none
function copas.getsocketname(skt) end

-- Errors

---Sets what is called when an error ends a thread. The thread is dead by then, but its stack can still be looked at.
---@param handler? copas.errorhandler  nil lets the default handle the errors of this thread
---@param default? boolean             true: for all threads without a handler of their own; otherwise for this thread
function copas.seterrorhandler(handler, default) end

---The older spelling.
---@deprecated
copas.setErrorHandler = copas.seterrorhandler

---@param co? thread  default: the running one
---@return copas.errorhandler handler  its own, or the default one, which prints `copas.gettraceback(...)`
function copas.geterrorhandler(co) end

---The text of an error: message, names of thread and socket, stack traceback, and where the thread was started.
---@param msg? any
---@param co? thread      without it, the traceback is that of the caller
---@param skt? copas.raw
---@return string
function copas.gettraceback(msg, co, skt) end

-- Servers

---Accepts connections on a listening socket, each in a thread of its own that starts at once. With `copas.autoclose`,
---the connection is closed when its handler ends. Adding a socket again replaces its handler.
---
---The handler of a socket for datagrams, of UDP for one, is called once, in a thread of its own that runs within this call
---until it first waits; it gets the socket itself, which is never closed for it.
---
---Throws what can never work in the TLS parameters of a handler made by `copas.handler`; files are read at each connection.
---@param skt copas.raw|copas.wrapper|copas.datagramwrapper  made by `socket.bind`, or after `listen`; or for datagrams
---@param handler fun(client: copas.raw)  gets the raw, non-blocking connection, or the socket
---@param timeout? number|string  for the connections or the socket, in seconds: see `copas.settimeout`; a string is taken
---as the name
---@param name? string  of the socket
function copas.addserver(skt, handler, timeout, name) end

---Stops accepting. Connections that were accepted are not touched. May be called twice.
---
---A handler of datagrams hears "closed" if the socket is closed; otherwise its thread ends, unless it is the caller.
---@param skt copas.raw|copas.wrapper|copas.datagramwrapper
---@param keep_open? boolean  do not close the socket; one for datagrams that is wrapped is never closed
---@return any result  true if it was kept open, otherwise what `skt:close()` returns
function copas.removeserver(skt, keep_open) end

---Makes a server's handler of a function that expects a wrapped socket.
---
---With TLS parameters the function is called when the handshake is finished. If it fails, or takes longer than the timeout
---for connecting, that is an error of the thread, and the connection is closed.
---@generic T
---@param fn fun(skt: copas.wrapper, ...): T
---@param sslparams? table|userdata  as for `copas.wrap`
---@return fun(skt: copas.raw|copas.wrapper|copas.datagramwrapper, ...): T
function copas.handler(fn, sslparams) end

-- Sockets

---Makes a socket non-blocking and gives it methods that wait for the calling thread only.
---@param skt copas.raw|copas.wrapper  a wrapper is returned as it is
---@param sslparams? table|userdata  `{ wrap = PARAMETERS, sni = { names =, strict = } }`, or the parameters alone: see
---`copas.tls`. They are kept in the field `ssl_params`, and read when the connection is secured
---@return copas.wrapper
---@overload fun(skt: copas.udp|copas.unixdgram|copas.datagramwrapper): copas.datagramwrapper
function copas.wrap(skt, sslparams) end

---Receives from a raw socket, waiting until all that was asked for is there: a line, without its LF and any CR in it
---("*l", the default); all until the end of the stream ("*a"); or a number of bytes, those of the prefix included. 0
---waits until there is something, and takes nothing.
---
---Throws "invalid receive pattern" for any other pattern, and consumes nothing then.
---@param skt copas.raw
---@param pattern? "*l"|"*a"|integer|string
---@param prefix? string    put in front of the result
---@return string? data
---@return string? err      "timeout", "closed", or what the system says
---@return string? partial  after an error: what was received of it, the prefix included
---@overload fun(skt: copas.udp|copas.unixdgram, size: integer): string?, string?
function copas.receive(skt, pattern, prefix) end

---Receives one datagram from a raw socket, and tells where it came from.
---@param skt copas.raw
---@param size? integer  at most so many bytes of it, default 8192; the rest is lost
---@return string? datagram
---@return string? ip_or_err     the sender's address, of a Unix socket its path; or "timeout", "closed", ...
---@return integer|string? port
function copas.receivefrom(skt, size) end

---Receives what is there, waiting for one byte only.
---@param skt copas.raw
---@param pattern? "*l"|"*a"|integer|string  as for `copas.receive`
---@param prefix? string
---@return string? data     when it is complete
---@return string? err      "timeout" also when it is not complete yet
---@return string? partial
function copas.receivepartial(skt, pattern, prefix) end

---The older spelling.
---@deprecated
copas.receivePartial = copas.receivepartial

---Sends all of a string, or of the part from byte `i` to byte `j`.
---@param skt copas.raw
---@param data string|number
---@param i? integer  default 1; negative numbers count from the end
---@param j? integer  default -1
---@return integer? last       position of the last byte that was sent
---@return string? err         "timeout", "closed", or what the system says
---@return integer? last_sent  after an error: position of the last byte that the system took
---@overload fun(skt: copas.udp|copas.unixdgram, datagram: string|number): integer?, string?
function copas.send(skt, data, i, j) end

---Sends one datagram by `skt:sendto`. Waits only for the look-up of a host name, never with an address.
---@param skt copas.raw
---@param datagram string|number
---@param ip string              an address or a host name; of a Unix socket a path
---@param port? integer|string
---@return integer? sent
---@return string? err
function copas.sendto(skt, datagram, ip, port) end

---Connects to the address of a host that accepts first. Its addresses are looked up without keeping other threads from
---running, and tried one after the other: the next one at once when one has failed, or else a quarter of a second later,
---while those before go on (RFC 8305). The connect timeout is for all of it. A socket that has a descriptor already
---(`tcp4`, or one that is bound) tries them one by one, and so does one of LuaSocket.
---@param skt copas.raw
---@param host string
---@param port integer|string
---@return 1? connected
---@return string? err  "timeout", "connection refused", "already connected", or another text
function copas.connect(skt, host, port) end

---@class copas.resolver.options
---@field mode? "dns"|"system"    "dns" (default): /etc/hosts and name servers; "system": getaddrinfo(3), on a helper thread
---@field servers? string[]       name servers, such as "192.0.2.1", "192.0.2.1:5353", "[2001:db8::1]:53"
---@field timeout? number         seconds to wait for a server when it is asked first; longer when it is asked again
---@field tries? integer          how often each server is asked
---@field search? string[]        domains that unqualified names are tried in
---@field ndots? integer          a name with so many dots is tried as it is first
---@field cache_size? integer     answers that are kept, for as long as their TTL says; default 1024, none with 0
---@field hosts? string           the file that is read instead of /etc/hosts
---@field resolv_conf? string     the file that is read instead of /etc/resolv.conf

---Sets how host names are looked up from now on, in threads and elsewhere. What is not given is as resolv.conf(5) says, or
---its default. An unknown option is an error that names it. Without the library `copas/cares.so` beside the module,
---names are looked up the system's way.
---@param options? copas.resolver.options
function copas.resolver(options) end

---Closes a socket. Threads that wait on it go on with the error "closed", after the caller's next wait.
---@param skt copas.raw
---@param ... any  handed to the socket's own `close`, if it is not a native one
---@return any ...  what the socket's own `close` returns; 1 for a native one
function copas.close(skt, ...) end

---Sends what the calling thread has sent and what is held back, to leave together with what it sends next. That happens
---while the socket has received more than the thread has taken. What is held back leaves by itself when the thread waits.
---@param skt? copas.raw
function copas.flush(skt) end

---Sets how long connecting, sending and receiving may take, each call as a whole. At first there is no limit. 0 is no
---limit either, but makes `receive` of a wrapper behave as `receivepartial`.
---@param skt copas.raw|copas.wrapper
---@param timeout? number  in seconds; nil or negative: no limit
---@return true? set
---@return string? err     when the type is wrong; nothing is changed then
function copas.settimeout(skt, timeout) end

---As `copas.settimeout`, with a limit for each: nil leaves one as it is.
---@param skt copas.raw|copas.wrapper
---@param connect? number
---@param send? number
---@param read? number
---@return true? set
---@return string? err  when a type is wrong; nothing is changed then
function copas.settimeouts(skt, connect, send, read) end

---Shakes hands over a raw socket, which is secured first if it is not: its descriptor moves to the connection.
---
---Throws what is wrong with the parameters, and "TLS/SSL handshake failed: REASON".
---@param skt copas.raw
---@param params? table|userdata  TLS parameters, or a context of `copas.tls` or LuaSec
---@return copas.tlsconnection|userdata|nil connection
---@return string? err  "timeout": of connecting
function copas.dohandshake(skt, params) end

---Lets operations of the calling thread end with the words of the library below when their time is over: "Operation
---already in progress" for a connect, "wantread" or "wantwrite" with TLS. Otherwise it is always "timeout".
---@param wanted boolean
function copas.useSocketTimeoutErrors(wanted) end

---The spelling of the manual.
copas.usesockettimeouterrors = copas.useSocketTimeoutErrors

return copas
