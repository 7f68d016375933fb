---@meta copas.http

-- What `require "copas.http"` returns: requests that let other threads run meanwhile.

---@class copas.httplib
---@field PORT integer         80
---@field SSLPORT integer      443
---@field TIMEOUT number       60: seconds for each of connecting, sending and receiving
---@field USERAGENT string
---@field PROXY string?        URL of a proxy for all requests
---@field SSLPROTOCOL string   "any"
---@field SSLOPTIONS string|string[]  "all"
---@field SSLVERIFY string     "peer": the chain is verified by the authorities of the system, and the host; "none": neither
---@field SSLSNISTRICT boolean
---@field NO_PROXY string?     hosts that are asked directly: names, which stand for the domains below them, too; "*" for all
---@field KEEPALIVE boolean|"auto"  "auto": connections are used again if another program's server surely waits
---@field HTTP09 boolean|"auto"  "auto": a body without a head is an answer to a GET request in clear
---@field MAXHEADER integer?   bytes of the head of an answer; 256 KiB
---@field MAXBODY integer?     bytes of the body of an answer; any number
local httplib = {}

---@class copas.http.options
---@field url string
---@field method? string        default "GET"
---@field headers? table<string, string|number>
---@field source? function      LTN12 source of a body; sent in chunks without the header "content-length"
---@field sink? function        LTN12 sink for the body of the answer; what comes in chunks, chunk by chunk
---@field step? function        instead of ltn12.pump.step
---@field user? string
---@field password? string
---@field redirect? boolean|"all"  false: never follow; "all": also from https to http
---@field maxredirects? integer|false  default 5; false: any number
---@field timeout? number|{ connect: number?, send: number?, receive: number? }  in seconds
---@field proxy? string         a URL; https goes through it by CONNECT
---@field no_proxy? string      instead of `NO_PROXY`
---@field keepalive? boolean    instead of `KEEPALIVE`; true: also if there is `create`
---@field deadline? number      seconds for all of it, redirects included
---@field decompress? boolean   asks for gzip or deflate, and undoes it
---@field maxheader? integer    instead of `MAXHEADER`
---@field maxbody? integer      instead of `MAXBODY`; counts what is decompressed
---@field http09? boolean       instead of `HTTP09`
---@field create? fun(request: table): table?, string?  makes the socket: see `getcreatefunc`
---@field sslparams? table|userdata  `{ wrap = PARAMETERS, sni = TABLE }`, or the parameters alone: see `copas.tls`

---Asks for a URL, by POST if there is a body. Redirects are followed. With a request table, the first result is 1 and the
---body goes to its sink.
---
---Throws for a failed TLS handshake and for wrong fields of `timeout`; other failures are nil and an error.
---@param url string|copas.http.options
---@param body? string
---@return string|1|nil body
---@return integer|string code       or the error
---@return table<string, string>? headers  by names in lower case
---@return string? status            the status line
function httplib.request(url, body) end

---The request table for a URL; after the request, `table.concat(made.target)` is the body.
---@param url string
---@param body? string
---@return table made
function httplib.parseRequest(url, body) end

---A function that makes sockets for requests. TLS parameters that are not there are filled in in the table.
---@param params? copas.http.options
---@return fun(request: table): table
function httplib.getcreatefunc(params) end

---Closes the connections that are kept for further requests.
---@return integer count  how many they were
function httplib.closeidle() end

---Says how many connections are kept for further requests.
---@param each? integer    to one server; 64
---@param all? integer     together; 256
---@param seconds? number  for so long; 5. To a server of the same loop 0.1 at most
function httplib.keepidle(each, all, seconds) end

---Connects for an exchange of messages, step by step: `sendrequestline(method, uri)`, `sendheaders(headers)`,
---`sendbody(headers, source, step)`, `receivestatusline()`, `receiveheaders()`, `receivebody(headers, sink, step)`,
---`receive09body(status, sink, step)` and `close()`. Errors are thrown as by `socket.try`.
---@param request table  with `host`, `port`, `scheme` and what `create` needs
---@return table exchange  its socket is the field `c`
function httplib.open(request) end

return httplib
