---@meta copas.tls

-- What `require "copas.tls"` returns: TLS with the interface of LuaSec's module `ssl`. It loads OpenSSL, from the library
-- copas/openssl.so. Threads need little of it: `copas.wrap` and `copas.handler` take the same parameters.

---Keys, trust and rules for any number of connections; its text is "SSL context: 0x...". The parameters are those of
---LuaSec: `mode` ("client" or "server"), `protocol` ("any", "tlsv1_2", "tlsv1_3", ...), `key`, `password`, `certificate`,
---`certificates`, `cafile`, `capath`, `verify`, `verifyext`, `depth`, `options`, `ciphers`, `ciphersuites`, `dhparam`,
---`curve`, `curveslist`, `alpn`, `dane`; and two that are ours: `verify_host`, the name that the peer's certificate must be
---for (true: that of the host that was connected to), and `default_trust`, to trust the authorities of the system.
---@alias copas.tlscontext userdata

---@class copas.tlslib
---@field _VERSION string    the version of LuaSec that this module is compatible with
---@field _COPYRIGHT string
---@field config table       what there is: `protocols`, `options`, `algorithms`, `curves` and `capabilities`, each a set
local tlslib = {}

---Makes a context. Throws if `mode` or `protocol` is missing.
---@param params table
---@return copas.tlscontext? context
---@return string? err  names what is wrong, and the file if it is one
function tlslib.newcontext(params) end

---Makes a connection of a TCP socket, whose descriptor moves to it: `getfd` of the socket is -1 then. The handshake is to
---follow. Bytes that the socket has received already are taken for the peer's first ones.
---
---Throws "invalid context" for what is neither a context nor a table of parameters.
---@param skt copas.tcp|userdata|table  or an object with `getfd`, `setfd`, `dirty` and `receive`
---@param params copas.tlscontext|table
---@return copas.tlsconnection? connection
---@return string? err
function tlslib.wrap(skt, params) end

---@param pem string
---@return copas.certificate? certificate  nil if it is none
function tlslib.loadcertificate(pem) end

---A TCP connection whose bytes travel encrypted; its text is "SSL connection: 0x...". Its methods block, as those of LuaSec,
---within the time of `settimeout`; threads use it by way of a wrapped socket or the functions of `copas`.
---@class copas.tlsconnection
---@field class string  "SSL{client}"
local tlsconnection = {}

---Agrees with the peer on keys.
---@return boolean done
---@return string? err  "wantread" and "wantwrite": its time is over, and it may be repeated; "closed"; or the reason
function tlsconnection:dohandshake() end

---Of a client: asks for this name. Of a server: has these contexts for the names that clients ask for. Before the
---handshake.
---@param names string|table<string, copas.tlscontext>
---@param strict? boolean  refuse clients that ask for another name
function tlsconnection:sni(names, strict) end

---As of a TCP socket; but "wantread" instead of "timeout".
---@param pattern? "*l"|"*a"|integer|string
---@param prefix? string
---@return string? data
---@return string? err
---@return string? partial
function tlsconnection:receive(pattern, prefix) end

---As of a TCP socket; but "wantwrite" instead of "timeout".
---@param data string|number
---@param i? integer
---@param j? integer
---@return integer? last
---@return string? err
---@return integer? last_sent
function tlsconnection:send(data, i, j) end

---Tells the peer, and closes the connection.
function tlsconnection:close() end

---@param seconds? number
---@param mode? "b"|"t"
---@return 1
function tlsconnection:settimeout(seconds, mode) end

---@return number block
---@return number total
function tlsconnection:gettimeout() end

---Is there something that was received and not taken?
---@return boolean
function tlsconnection:dirty() end

---What the last call would have waited for.
---@return "nothing"|"read"|"write"
function tlsconnection:want() end

---@return integer fd  -1 once it is closed
function tlsconnection:getfd() end

---Counts the bytes of users, not those on the wire.
---@return integer received
---@return integer sent
---@return number age
function tlsconnection:getstats() end

---@param received? integer
---@param sent? integer
---@param age? number
---@return 1
function tlsconnection:setstats(received, sent, age) end

---What was agreed on: `protocol`, `cipher`, `bits`, `algbits`, `key`, `authentication`, `encryption`, `mac`, `export` and
---`compression`; or one of these.
---@param field? string
---@return table|string|integer|boolean|nil info
---@return string? err  "closed" before the handshake and after the end
function tlsconnection:info(field) end

---@param index? integer  1, the default: its own; then those that signed it
---@return copas.certificate? certificate
---@return string? err
function tlsconnection:getpeercertificate(index) end

---@return copas.certificate[]? chain
---@return string? err
function tlsconnection:getpeerchain() end

---Can the peer's certificate be trusted?
---@return boolean trusted
---@return string|string[][]|nil why  with `verifyext = "lsec_continue"`, all reasons by depth, the peer's own first
function tlsconnection:getpeerverification() end

---The message by which this side ended the handshake.
---@return string? bytes
---@return string? err
function tlsconnection:getfinished() end

---The peer's.
---@return string? bytes
---@return string? err
function tlsconnection:getpeerfinished() end

---@return string? protocol  that was agreed on by ALPN
function tlsconnection:getalpn() end

---@return string? name  that the client asked for
function tlsconnection:getsniname() end

---Did it take up the session of an earlier connection?
---@return boolean
function tlsconnection:resumed() end

---Keys for other purposes, the same on both sides. See RFC 5705.
---@param label string
---@param length integer   bytes
---@param about? string    the context
---@return string? bytes
---@return string? err
function tlsconnection:exportkeyingmaterial(label, length, about) end

---Verifies the peer by TLSA records of this host, where the context has `dane`.
---@param host string
---@return boolean done
function tlsconnection:setdane(host) end

---Adds such a record. See RFC 6698.
---@param usage integer
---@param selector integer
---@param matching integer
---@param data string
---@return boolean? usable
---@return string? err  the record is malformed
function tlsconnection:settlsa(usage, selector, matching, data) end

---As of a TCP socket.
---@return string? ip
---@return integer|string port_or_err
---@return string? family
function tlsconnection:getpeername() end

---As of a TCP socket.
---@return string? ip
---@return integer|string port_or_err
---@return string? family
function tlsconnection:getsockname() end

---As of a TCP socket.
---@param name string
---@return any value
---@return string? err
function tlsconnection:getoption(name) end

---As of a TCP socket.
---@param name string
---@param value any
---@return 1? done
---@return string? err
function tlsconnection:setoption(name, value) end

---An X.509 certificate; its text is "X509 certificate: 0x...".
---@class copas.certificate
local certificate = {}

---Whom it is for.
---@return { oid: string, name: string, value: string }[]
function certificate:subject() end

---Who signed it.
---@return { oid: string, name: string, value: string }[]
function certificate:issuer() end

---The further names of its holder and its signer, by identifier: "2.5.29.17" is `subjectAltName`.
---@return table<string, table>
function certificate:extensions() end

---@param algorithm? string  default "sha1"
---@return string? hexadecimal
---@return string? err
function certificate:digest(algorithm) end

---@return string time  such as "Nov 23 06:26:19 2026 GMT"
function certificate:notbefore() end

---@return string time
function certificate:notafter() end

---@param time number  as os.time() gives it
---@return boolean valid
function certificate:validat(time) end

---@return string hexadecimal
function certificate:serial() end

---@return string text
function certificate:pem() end

---@return string pem
---@return "RSA"|"DSA"|"DH"|"EC"|"Unknown" kind
---@return integer bits
function certificate:pubkey() end

---Did this authority sign a certificate, by way of the others?
---@param signed copas.certificate
---@param ... copas.certificate
---@return true? issued
---@return string? reason
function certificate:issued(signed, ...) end

---How names are given: in UTF-8, or as they are ("ai5").
---@param encoding string
---@return boolean known
function certificate:setencode(encoding) end

---@return string name  such as "ecdsa-with-SHA256"
function certificate:getsignaturename() end

return tlslib
