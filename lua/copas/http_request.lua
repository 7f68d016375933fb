-- What a request says: the fields of a request table, made of its URL and checked before anything is sent.
local http, socket, core, internal, head_of = ...

local native = internal.native
local request = {}

local default_ports = { https = function() return http.SSLPORT end }
local standard_port = http.PORT
function default_ports.http() return standard_port end

local usual = {} -- the limits of most exchanges

-- The limits of an exchange; throws for names that are none.
local function limits_of(timeout)
  if type(timeout) ~= "table" then
    timeout = timeout or http.TIMEOUT
    if usual.connect ~= timeout then usual = { connect = timeout, send = timeout, receive = timeout } end
    return usual
  end
  for name in pairs(timeout) do
    if name ~= "connect" and name ~= "send" and name ~= "receive" then
      error(("'%s' is not a valid timeout option. Valid: 'connect', 'send', 'receive'"):format(tostring(name)), 0)
    end
  end
  return {
    connect = timeout.connect or http.TIMEOUT,
    send = timeout.send or http.TIMEOUT,
    receive = timeout.receive or http.TIMEOUT,
  }
end
request.limits_of = limits_of

local function bracketed(host)
  return host:find(":", 1, true) and "[" .. host .. "]" or host
end

-- What follows the host: never the fragment.
local function target_of(from)
  local target = socket.try(from.path, "invalid path 'nil'")
  if from.params then target = target .. ";" .. from.params end
  if from.query then target = target .. "?" .. from.query end
  return target
end

local function host_and_port(from)
  local host = bracketed(from.host)
  return from.explicit_port and host .. ":" .. from.explicit_port or host
end

-- The value of the header `host`.
local function authority_of(from)
  if from.authority then return (from.authority:gsub("^.-@", "")) end
  return host_and_port(from)
end

local once = "close, TE" -- said to a server whose connection is not used again

local function headers_of(from)
  local headers = {
    ["user-agent"] = http.USERAGENT,
    host = authority_of(from),
    connection = from.keeps and "TE" or once,
    te = "trailers",
  }
  if from.user and from.password then headers.authorization = core.basic(from.user, from.password) end
  local proxy = from.proxy_parts
  if proxy and proxy.user and proxy.password and from.scheme == "http" then
    headers["proxy-authorization"] = core.basic(proxy.user, proxy.password)
  end
  if from.decompress then headers["accept-encoding"] = "gzip, deflate" end
  if from.headers then
    for name, value in pairs(from.headers) do
      if type(name) == "string" then name = name:lower() end
      headers[name] = value
    end
  end
  if from.source and not headers["content-length"] and not headers["transfer-encoding"] then
    headers["transfer-encoding"] = "chunked"
  end
  return headers
end

local function check_port(port)
  local text = type(port) == "number" and port % 1 == 0 and ("%d"):format(port) or tostring(port)
  if not core.port(text) then socket.try(nil, ("invalid port '%s'"):format(text)) end
end

local function proxy_of(given, from)
  local proxy = given.proxy
  if proxy == nil then proxy = http.PROXY end
  if not proxy or not from.host then return nil end
  local excepted = given.no_proxy or http.NO_PROXY
  if excepted and core.bypasses(excepted, from.host, tonumber(from.port) or from.default_port) then return nil end
  local parts = core.split(proxy)
  socket.try(parts and parts.host and core.valid_host(parts.host), "invalid proxy")
  if not parts.port or parts.port == "" then parts.port = 3128 end
  check_port(parts.port)
  return parts
end

-- May the connection serve other requests, too? Those that `create` makes belong to whoever made it. "auto": if the
-- server is one of another program that surely waits for another request.
local function may_be_kept(given, from)
  local keeps = given.keepalive
  if keeps == nil then keeps = not given.create and http.KEEPALIVE end
  if not keeps then return false end
  if from.headers then
    for name, value in pairs(from.headers) do
      if type(name) == "string" and name:lower() == "connection" and tostring(value):lower():find("close", 1, true) then
        return false
      end
    end
  end
  return keeps
end

-- A body without a head is accepted where nothing can be taken for it: in clear, of a GET.
local function accepts_http09(given, from)
  local wanted = given.http09
  if wanted == nil then wanted = http.HTTP09 end
  if wanted ~= "auto" then return wanted end
  return from.scheme == "http" and (given.method == nil or given.method == "GET") and not given.source
end

---The request as it is to be sent: all of the fields of `given`, and those made of its URL.
function request.adjust(given)
  local from = given.url and core.split(given.url) or {}
  for name, value in pairs(given) do from[name] = value end
  from.scheme = (from.scheme or "http"):lower()
  local default_port = default_ports[from.scheme]
  if not default_port then socket.try(nil, ("unsupported scheme '%s'"):format(from.scheme)) end
  from.default_port = default_port()
  if not from.path or from.path == "" then from.path = "/" end
  if from.port == "" then from.port = nil end
  from.explicit_port = from.port
  if from.port then check_port(from.port) end
  if given.url or given.host then
    local host = from.host
    if type(host) ~= "string" or not core.valid_host(host) then
      socket.try(nil, ("invalid host '%s'"):format(tostring(host or "")))
    end
  end
  from.timeouts = limits_of(given.timeout)
  from.ends = given.ends or given.deadline and native.now() + given.deadline or nil
  from.limits = from
  from.http09 = accepts_http09(given, from)
  from.most_head = given.maxheader or http.MAXHEADER
  from.most_body = given.maxbody or http.MAXBODY
  from.keeps = may_be_kept(given, from)

  local proxy = proxy_of(given, from)
  from.proxy_parts = proxy
  if from.host then
    from.uri = given.uri or target_of(from)
    if proxy and from.scheme == "http" and not given.uri then
      from.uri = from.scheme .. "://" .. host_and_port(from) .. from.uri
    end
    from.headers = headers_of(from)
    -- Whatever could end a line before it should is found before anything is sent.
    from.head = socket.try(head_of(given.method or "GET", from.uri, from.headers))
  end
  if proxy then
    from.peer_host, from.peer_port = from.host, from.port or from.default_port
    from.host, from.port = proxy.host, proxy.port
  end
  return from
end

---Decides, before a request is sent, that its connection is not kept.
function request.keep_nothing(from)
  if from.headers.connection == "TE" then
    from.headers.connection = once
    from.head = socket.try(head_of(from.method or "GET", from.uri, from.headers))
  end
  from.keeps, from.key = false, nil
end

return request
