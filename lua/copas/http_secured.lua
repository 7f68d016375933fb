-- Requests by TLS: their parameters, and their connections, by way of a proxy if there is one.
local copas, http, socket, core, connection = ...

local secured = {}

-- TLS 1.2 or newer, where the caller says nothing.
local default_options = { "all", "no_sslv2", "no_sslv3", "no_tlsv1", "no_tlsv1_1" }

-- Parameters of LuaSec alone, as `copas.wrap` takes them, in the form with `wrap` and `sni`.
local function nested(ssl)
  local alone = type(ssl) == "userdata" or ssl.wrap == nil and (ssl.mode or ssl.protocol)
  return alone and { wrap = ssl } or ssl
end

---The TLS parameters of a request, with what the caller left open filled in.
function secured.fill(params)
  local ssl = nested(params.sslparams or {})
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

local numbers, last = setmetatable({}, { __mode = "k" }), 0 -- of contexts

---What a connection must have been secured with to serve a request; nil if that cannot be told.
function secured.key(sent)
  local tls = getmetatable(require("copas.tls")).internal
  local ssl = sent.sslparams
  local found, context = pcall(tls.context_for, ssl.wrap)
  if not found then return nil end
  if not numbers[context] then
    last = last + 1
    numbers[context] = last
  end
  local expected = type(ssl.wrap) == "table" and ssl.wrap.verify_host or ""
  return ("%d %s %s"):format(numbers[context], tostring(ssl.sni.names), tostring(expected))
end

-- Asks a proxy for a connection to the host of a request.
local function open_tunnel(skt, adjusted)
  local host = adjusted.peer_host
  local target = ("%s:%d"):format(host:find(":", 1, true) and "[" .. host .. "]" or host, adjusted.peer_port)
  local headers = { host = target }
  local proxy = adjusted.proxy_parts
  if proxy.user and proxy.password then
    headers["proxy-authorization"] = core.basic(proxy.user, proxy.password)
  end
  local tunnel = connection.over(skt, { timeouts = adjusted.timeouts, ends = adjusted.ends })
  tunnel.try = socket.try -- the socket is closed by who opens it
  tunnel:sendhead("CONNECT", socket.try(connection.head("CONNECT", target, headers)))
  local code, status
  repeat code, status = tunnel:receivehead() until code ~= 100
  if code < 200 or code > 299 then return nil, status end
  return true
end

---A wrapped socket that is secured when it is connected, by way of a proxy if there is one.
function secured.wrap(raw, ssl, adjusted)
  local host = adjusted.peer_host or adjusted.host
  local names = ssl.sni.names or host
  local sni = { names = names, strict = ssl.sni.strict }
  if not adjusted.peer_host and not adjusted.ends then return copas.wrap(raw, { wrap = ssl.wrap, sni = sni }) end
  local wrap = ssl.wrap
  if type(wrap) == "table" and wrap.verify_host == true then
    wrap = {}
    for name, value in pairs(ssl.wrap) do wrap[name] = value end
    wrap.verify_host = host
  end
  local skt = copas.wrap(raw)
  local connect = skt.connect
  function skt:connect(first, port)
    local ok, err = connect(self, first, port)
    if not ok then return nil, err end
    if adjusted.peer_host then
      ok, err = open_tunnel(self, adjusted)
      if not ok then return nil, err end
    end
    if adjusted.opened then adjusted.opened:limit() end -- what is left of the time for all of it
    self.ssl_params = { wrap = wrap, sni = sni }
    self:sni(names, ssl.sni.strict)
    return self:dohandshake()
  end
  return skt
end

return secured
