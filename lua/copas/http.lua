-- copas.http: requests that let other threads run meanwhile.
local copas, internal = ...

local socket = internal.load("socket_of_requests")
local ltn12 = require("ltn12")

local native = internal.native
local core = native.http()

local http = {
  PORT = 80,
  TIMEOUT = 60,
  USERAGENT = socket._VERSION,
  SSLPORT = 443,
  SSLPROTOCOL = "any",
  SSLOPTIONS = "all",
  SSLVERIFY = "peer", -- stands for: host and chain, by the authorities of the system
  SSLSNISTRICT = false,
  KEEPALIVE = "auto", -- whether connections are used again: those to other programs whose server surely waits
  HTTP09 = "auto", -- whether a body without a head is an answer: of plain GET requests
}

local connection = internal.load("http_connection", socket, core, internal)
local request = internal.load("http_request", http, socket, core, internal, connection.head)
local secured = internal.load("http_secured", copas, http, socket, core, connection)
connection.register(socket)

-- What `socket.tcp` is, unless a program replaces it.
local usual = socket.tcp
if internal.debug.getinfo(usual, "S").what ~= "C" or usual == socket.tcp4 or usual == socket.tcp6 then usual = nil end

-- A socket for a connection: the program's own, if it has replaced `socket.tcp`, otherwise a native one.
local function new_socket()
  if socket.tcp == usual then return require("copas.socket").tcp() end
  return socket.tcp()
end

---A function that makes sockets for requests with these TLS parameters, which are filled in in their table.
function http.getcreatefunc(params)
  params = params or {}
  local ssl = secured.fill(params)
  return function(adjusted)
    if adjusted.scheme == "https" then
      adjusted.port = adjusted.port or http.SSLPORT
      return secured.wrap(new_socket(), ssl, adjusted)
    end
    return copas.wrap(new_socket())
  end
end

function http.open(adjusted)
  adjusted.timeouts = adjusted.timeouts or request.limits_of(adjusted.timeout)
  return connection.open(adjusted, adjusted.create or http.getcreatefunc(adjusted))
end

---Closes the connections that are kept for further requests, and tells how many they were.
function http.closeidle()
  local count = core.kept()
  core.forget()
  return count
end

---How many connections are kept for further requests: to each server, to all of them, and for how many seconds.
function http.keepidle(each, all, seconds)
  core.keep(each, all, seconds)
end

-- What a connection must have in common with a request to be used for it; nil if none can be told.
local function key_of(given, sent)
  local place = sent.host:lower() .. ":" .. (sent.port or sent.default_port)
  local mine = given.create and tostring(given.create) or ""
  if sent.scheme == "http" then return (sent.proxy_parts and "proxy " or "http ") .. place .. mine end
  local security = secured.key(sent)
  if not security then return nil end
  if sent.proxy_parts then
    place = ("%s:%s by %s as %s"):format(sent.peer_host:lower(), sent.peer_port, place, sent.proxy_parts.userinfo or "")
  end
  return ("https %s %s %s"):format(place, mine, security)
end

-- A connection for a request; one that was used before only if a request may be repeated, should it be closed just now.
local function connect(given, sent, fresh)
  if sent.keeps and sent.host then
    if sent.scheme == "https" then secured.fill(sent) end
    sent.key = key_of(given, sent)
  end
  if sent.key and not fresh and not sent.source and core.idempotent(sent.method or "GET") then
    local opened = core.take(sent.key)
    if opened then
      opened:serve(sent)
      return opened
    end
  end
  local opened = http.open(sent)
  -- A body that follows its head shall not wait until the server has acknowledged that.
  if not given.create and native.is_native(opened.c.socket) then
    opened.c:setoption("tcp-nodelay", true)
    opened:own()
  end
  return opened
end

-- Forgets the objects of connections that were closed while nobody used them, from time to time.
local until_tidy = 32
local function tidy()
  until_tidy = until_tidy - 1
  if until_tidy > 0 then return end
  for address, opened in pairs(core.objects) do
    if opened.raw:getfd() < 0 then core.objects[address] = nil end
  end
  until_tidy = 32 + core.kept()
end

-- Is it surely a server that waits for another request? One that says so is, and one that tells the time, as RFC 9110
-- wants in 6.6.1. Another one may be a few lines of a program, which answer once and await the end of the connection.
local function surely_waits(headers)
  if not headers then return false end
  local options = headers.connection
  return (headers.date or headers["keep-alive"] or options and options:lower():find("keep-alive", 1, true)) and true
end

local own_idle = 0.1 -- seconds that a connection to a server of this loop is kept: the loop does not end before

-- Puts a connection where others find it, or closes it.
local function let_go(sent)
  local opened = sent.opened
  if not opened then return end
  local raw = sent.key and (sent.keeps ~= "auto" or surely_waits(opened.headers)) and opened:reusable()
  if not raw then
    opened:close()
    return
  end
  if not opened.raw then opened:own() end
  opened:rest()
  core.put(sent.key, opened, raw, internal.serves(raw) and own_idle or nil)
  tidy()
end

local function is_followed(given, code, headers)
  local location = headers.location
  if not location or not location:find("%S") or not core.redirects(code, given.method or "GET") then return false end
  if given.redirect == false or given.source then return false end
  local most = given.maxredirects
  if most == nil then most = 5 end
  return not most or (given.nredirects or 0) < most
end

-- Headers without those that only one server may see.
local function public_headers(headers)
  local public = {}
  for name, value in pairs(headers or {}) do
    if type(name) ~= "string" or not core.is_private(name) then public[name] = value end
  end
  return public
end

local function base_of(sent)
  local host = sent.peer_host or sent.host
  host = host:find(":", 1, true) and "[" .. host .. "]" or host
  return ("%s://%s%s%s"):format(sent.scheme, host, sent.explicit_port and ":" .. sent.explicit_port or "", sent.path)
end

-- What the request that follows has of the one before it.
local kept_fields = {
  "sink", "proxy", "no_proxy", "create", "timeout", "redirect", "maxredirects", "sslparams", "protocol", "options",
  "verify", "keepalive", "decompress", "maxheader", "maxbody", "http09",
}

-- The request that follows `given`, which was sent as `sent`.
local function redirected(given, sent, location)
  local target = core.resolve(given.url or base_of(sent), location)
  local there = core.split(target)
  local scheme = (there.scheme or "http"):lower()
  socket.try(sent.scheme ~= "https" or scheme ~= "http" or given.redirect == "all",
    "Unallowed insecure redirect https to http")
  local function port_of(which, named) return tonumber(named) or (which == "https" and http.SSLPORT or http.PORT) end
  local stays = scheme == sent.scheme and (there.host or ""):lower() == (sent.peer_host or sent.host or ""):lower()
    and port_of(scheme, there.port) == port_of(sent.scheme, sent.explicit_port)
  local following = {
    url = target,
    method = given.method == "HEAD" and "HEAD" or nil,
    headers = stays and given.headers or public_headers(given.headers),
    user = stays and sent.user or nil,
    password = stays and sent.password or nil,
    nredirects = (given.nredirects or 0) + 1,
    ends = sent.ends,
  }
  for _, name in ipairs(kept_fields) do following[name] = given[name] end
  return following
end

local patience = 1 -- seconds for the answer to "expect: 100-continue", which some servers never give

-- Sends the body. A server that was asked whether it wants it has a moment to answer; the head of that answer, if it is
-- the answer to the request.
local function send_body(opened, sent)
  local expects = sent.headers.expect
  if type(expects) == "string" and expects:lower() == "100-continue" then
    local code, status, headers = opened:awaithead(patience)
    if code and code ~= 100 then
      opened.cut_short = true
      return code, status, headers
    end
  end
  opened:offerbody(sent.headers, sent.source, sent.step)
end

-- One exchange: code, headers and status line; or the request that follows and the location that it comes from.
local function exchange(given, sent, fresh)
  local opened = connect(given, sent, fresh)
  if sent.keeps == "auto" and not opened.reused and (not opened.raw or internal.serves(opened.raw)) then
    request.keep_nothing(sent)
  end
  opened:sendhead(sent.method or "GET", sent.head)
  local code, status, headers
  if sent.source then code, status, headers = send_body(opened, sent) end
  if not headers then
    repeat code, status, headers = opened:receivehead() until code ~= 100
  end
  if not code then
    opened:receive09body(status, sent.sink, sent.step)
    return 200
  end
  if is_followed(given, code, headers) then
    opened:skim()
    return nil, redirected(given, sent, headers.location), headers.location
  end
  if sent.method ~= "HEAD" and code >= 200 and code ~= 204 and code ~= 304 then
    opened:receivebody(headers, sent.sink, sent.step)
  else
    opened:skim()
  end
  return code, headers, status
end

-- Was a connection that had been used before closed before any answer came?
local function met_closed_connection(sent, err)
  local opened = sent.opened
  return opened and opened.reused and not opened:answered() and type(err) == "table" and err[1] == "closed"
end

-- Performs a request and those that follow it; throws if one fails.
local function perform(given)
  local location
  while true do
    local sent = request.adjust(given)
    local ok, code, headers, status = internal.pcall(exchange, given, sent)
    if not ok and met_closed_connection(sent, code) then
      sent.opened:close()
      sent.opened = nil
      ok, code, headers, status = internal.pcall(exchange, given, sent, true)
    end
    if not ok then
      if sent.opened then sent.opened:close() end
      error(code, 0)
    end
    let_go(sent)
    if code then
      if location and headers and not headers.location then headers.location = location end
      return 1, code, headers, status
    end
    given, location = headers, status
  end
end

---The request table of the form `request(url [, body])`.
function http.parseRequest(address, body)
  local target = {}
  local made = { url = address, target = target, sink = ltn12.sink.table(target) }
  if body then
    made.source = ltn12.source.string(body)
    made.headers = {
      ["content-length"] = #body,
      ["content-type"] = "application/x-www-form-urlencoded",
    }
    made.method = "POST"
  end
  return made
end

---request(url [, body]), request{ url =, ... }
http.request = socket.protect(function(given, body)
  if type(given) ~= "string" then return perform(given) end
  local made = http.parseRequest(given, body)
  local _, code, headers, status = perform(made)
  return table.concat(made.target), code, headers, status
end)

return setmetatable(http, { requests_of_copas = true })
