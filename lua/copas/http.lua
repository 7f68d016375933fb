-- copas.http: requests that let other threads run meanwhile.
local copas, internal = ...

local socket = internal.load("socket_of_requests")
local ltn12 = require("ltn12")
local url = require("socket.url")

local http = {
  PORT = 80,
  TIMEOUT = 60,
  USERAGENT = socket._VERSION,
  SSLPORT = 443,
  SSLPROTOCOL = "any",
  SSLOPTIONS = "all",
  SSLVERIFY = "peer", -- stands for: host and chain, by the authorities of the system
  SSLSNISTRICT = false,
}

local connection = internal.load("http_connection", socket, ltn12.pump.step)
local request = internal.load("http_request", http, socket)
connection.register(socket)

-- TLS 1.2 or newer, where the caller says nothing.
local default_options = { "all", "no_sslv2", "no_sslv3", "no_tlsv1", "no_tlsv1_1" }

-- The TLS parameters of a request, with what the caller left open filled in.
local function fill_ssl_params(params)
  local ssl = params.sslparams or {}
  params.sslparams = ssl
  ssl.wrap = ssl.wrap or { protocol = params.protocol, options = params.options, verify = params.verify }
  local wrap = ssl.wrap
  if type(wrap) == "table" then
    wrap.mode = "client"
    wrap.protocol = wrap.protocol or http.SSLPROTOCOL
    if wrap.options == nil then wrap.options = http.SSLOPTIONS == "all" and default_options or http.SSLOPTIONS end
    if wrap.verify == nil then
      wrap.verify = http.SSLVERIFY
      if http.SSLVERIFY == "peer" then
        wrap.verify_host = true
        wrap.default_trust = not wrap.cafile and not wrap.capath or nil
      end
    end
  end
  ssl.sni = ssl.sni or {}
  ssl.sni.strict = http.SSLSNISTRICT
  return ssl
end

-- Asks a proxy for a connection to the host of a request.
local function open_tunnel(skt, adjusted)
  local host = adjusted.peer_host
  local target = ("%s:%d"):format(host:find(":", 1, true) and "[" .. host .. "]" or host, adjusted.peer_port)
  local lines = { ("CONNECT %s HTTP/1.1\r\nHost: %s\r\n"):format(target, target) }
  local proxy = adjusted.proxy_parts
  if proxy.user and proxy.password then
    lines[2] = ("Proxy-Authorization: Basic %s\r\n"):format((require("mime").b64(proxy.user .. ":" .. proxy.password)))
  end
  local sent, err = skt:send(table.concat(lines) .. "\r\n")
  if not sent then return nil, err end
  local answer = setmetatable({ c = skt, try = socket.try }, connection)
  local code, status = answer:receivestatusline()
  if not code then return nil, "invalid answer of the proxy" end
  answer:receiveheaders()
  if code < 200 or code > 299 then return nil, status end
  return true
end

-- A wrapped socket that is secured when it is connected, by way of a proxy if there is one.
local function secured_socket(ssl, adjusted)
  local host = adjusted.peer_host or adjusted.host
  local names = ssl.sni.names or host
  if not adjusted.peer_host then
    return copas.wrap(socket.tcp(), { wrap = ssl.wrap, sni = { names = names, strict = ssl.sni.strict } })
  end
  local wrap = ssl.wrap
  if type(wrap) == "table" and wrap.verify_host == true then
    wrap = {}
    for name, value in pairs(ssl.wrap) do wrap[name] = value end
    wrap.verify_host = host
  end
  local skt = copas.wrap(socket.tcp())
  local connect = skt.connect
  function skt:connect(proxy, port)
    local ok, err = connect(self, proxy, port)
    if not ok then return nil, err end
    ok, err = open_tunnel(self, adjusted)
    if not ok then return nil, err end
    self.ssl_params = { wrap = wrap, sni = { names = names, strict = ssl.sni.strict } }
    self:sni(names, ssl.sni.strict)
    return self:dohandshake()
  end
  return skt
end

---A function that makes sockets for requests with these TLS parameters, which are filled in in their table.
function http.getcreatefunc(params)
  params = params or {}
  local ssl = fill_ssl_params(params)
  return function(adjusted)
    if adjusted.scheme == "https" then
      adjusted.port = adjusted.port or http.SSLPORT
      return secured_socket(ssl, adjusted)
    end
    return copas.wrap(socket.tcp())
  end
end

function http.open(adjusted)
  adjusted.timeouts = adjusted.timeouts or request.limits_of(adjusted.timeout)
  return connection.open(adjusted, adjusted.create or http.getcreatefunc(adjusted))
end

local redirecting = { [301] = true, [302] = true, [303] = true, [307] = true, [308] = true }

local function is_followed(given, code, headers)
  local location = headers.location
  if not redirecting[code] or not location or not location:find("%S") then return false end
  if given.redirect == false or given.source then return false end
  if given.method and given.method ~= "GET" and given.method ~= "HEAD" then return false end
  local most = given.maxredirects
  if most == nil then most = 5 end
  return not most or (given.nredirects or 0) < most
end

-- Headers that only one host may see.
local private_headers = { authorization = true, cookie = true, host = true }

local function public_headers(headers)
  local public = {}
  for name, value in pairs(headers or {}) do
    if type(name) ~= "string" or not private_headers[name:lower()] then public[name] = value end
  end
  return public
end

-- The request that follows `given`, which was sent as `sent`.
local function redirected(given, sent, location)
  local base = given.url or url.build {
    scheme = sent.scheme, host = sent.peer_host or sent.host, port = sent.explicit_port, path = sent.path,
  }
  local target = url.absolute(base, location)
  local there = url.parse(target) or {}
  local scheme = (there.scheme or "http"):lower()
  socket.try(sent.scheme ~= "https" or scheme ~= "http" or given.redirect == "all",
    "Unallowed insecure redirect https to http")
  local function port_of(which, named) return tonumber(named) or (which == "https" and http.SSLPORT or http.PORT) end
  local stays = scheme == sent.scheme and (there.host or ""):lower() == (sent.peer_host or sent.host or ""):lower()
    and port_of(scheme, there.port) == port_of(sent.scheme, sent.explicit_port)
  return {
    url = target,
    method = given.method == "HEAD" and "HEAD" or nil,
    headers = stays and given.headers or public_headers(given.headers),
    user = stays and sent.user or nil,
    password = stays and sent.password or nil,
    sink = given.sink,
    proxy = given.proxy,
    create = given.create,
    timeout = given.timeout,
    redirect = given.redirect,
    maxredirects = given.maxredirects,
    nredirects = (given.nredirects or 0) + 1,
    sslparams = given.sslparams,
    protocol = given.protocol,
    options = given.options,
    verify = given.verify,
  }
end

local perform

-- One exchange: code, headers and status line; or the request that follows and the location that it comes from.
local function exchange(given, sent)
  local opened = http.open(sent)
  opened:sendhead(sent.method, sent.uri, sent.headers)
  if sent.source then opened:sendbody(sent.headers, sent.source, sent.step) end
  local code, status = opened:receivestatusline()
  if not code then
    opened:receive09body(status, sent.sink, sent.step)
    return 200
  end
  while code == 100 do
    opened:receiveheaders()
    code, status = opened:receivestatusline()
    opened.try(code, "malformed reponse headers")
  end
  local headers = opened:receiveheaders()
  if is_followed(given, code, headers) then
    return nil, redirected(given, sent, headers.location), headers.location
  end
  if sent.method ~= "HEAD" and code >= 200 and code ~= 204 and code ~= 304 then
    opened:receivebody(headers, sent.sink, sent.step)
  end
  return code, headers, status
end

-- Performs a request and those that follow it; throws if one fails.
function perform(given)
  local location
  while true do
    local sent = request.adjust(given)
    local ok, code, headers, status = internal.pcall(exchange, given, sent)
    if sent.opened then sent.opened:close() end
    if not ok then error(code, 0) end
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
