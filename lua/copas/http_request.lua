-- What a request says: the fields of a request table, made of its URL and checked before anything is sent.
local http, socket = ...

local url = require("socket.url")

local request = {}

local default_ports = { https = function() return http.SSLPORT end }
local standard_port = http.PORT
function default_ports.http() return standard_port end

local function base64(text)
  return (require("mime").b64(text))
end

-- The limits of an exchange; throws for names that are none.
local function limits_of(timeout)
  if type(timeout) ~= "table" then
    timeout = timeout or http.TIMEOUT
    return { connect = timeout, send = timeout, receive = timeout }
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

-- What follows the host: never the fragment.
local function target_of(from)
  return url.build {
    path = socket.try(from.path, "invalid path 'nil'"),
    params = from.params,
    query = from.query,
  }
end

local function absolute_target_of(from)
  return url.build {
    scheme = from.scheme,
    host = from.host,
    port = from.explicit_port,
    path = from.path,
    params = from.params,
    query = from.query,
  }
end

-- The value of the header `host`.
local function authority_of(from)
  if from.authority then return (from.authority:gsub("^.-@", "")) end
  local host = from.host:find(":", 1, true) and "[" .. from.host .. "]" or from.host
  return from.explicit_port and host .. ":" .. from.explicit_port or host
end

local function headers_of(from)
  local headers = {
    ["user-agent"] = http.USERAGENT,
    host = authority_of(from),
    connection = "close, TE",
    te = "trailers",
  }
  if from.user and from.password then
    headers.authorization = "Basic " .. base64(from.user .. ":" .. from.password)
  end
  local proxy = from.proxy_parts
  if proxy and proxy.user and proxy.password and from.scheme == "http" then
    headers["proxy-authorization"] = "Basic " .. base64(proxy.user .. ":" .. proxy.password)
  end
  for name, value in pairs(from.headers or {}) do
    if type(name) == "string" then name = name:lower() end
    headers[name] = value
  end
  if from.source and not headers["content-length"] and not headers["transfer-encoding"] then
    headers["transfer-encoding"] = "chunked"
  end
  return headers
end

-- An error if something could end a line, or the request, before it should.
local function check(from)
  local method = from.method or "GET"
  socket.try(type(method) == "string" and method:find("^[%w!#$%%&'*+.^_`|~-]+$"), "invalid method")
  socket.try(not from.uri:find("[%c%s]"), "invalid request target")
  for name, value in pairs(from.headers) do
    socket.try(type(name) == "string" and name:find("^[%w!#$%%&'*+.^_`|~-]+$"),
      ("invalid header name '%s'"):format(tostring(name)))
    local kind = type(value)
    socket.try((kind == "string" or kind == "number") and not tostring(value):find("[%z\1-\8\10-\31\127]"),
      ("invalid value of header '%s'"):format(name))
  end
end

local function check_port(port)
  local number = tonumber(port)
  socket.try(number and number % 1 == 0 and number > 0 and number < 65536, ("invalid port '%s'"):format(tostring(port)))
end

---The request as it is to be sent: all of the fields of `given`, and those made of its URL.
function request.adjust(given)
  local from = given.url and url.parse(given.url) or {}
  for name, value in pairs(given) do from[name] = value end
  from.scheme = (from.scheme or "http"):lower()
  socket.try(default_ports[from.scheme], ("unsupported scheme '%s'"):format(from.scheme))
  if not from.path or from.path == "" then from.path = "/" end
  if from.port == "" then from.port = nil end
  from.explicit_port = from.port
  if from.port then check_port(from.port) end
  if given.url or given.host then
    local host = from.host
    socket.try(type(host) == "string" and host ~= "" and not host:find("[%c%s/?#@]"),
      ("invalid host '%s'"):format(tostring(host or "")))
  end
  from.timeouts = limits_of(given.timeout)
  from.default_port = default_ports[from.scheme]()

  local proxy = given.proxy or http.PROXY
  if proxy then
    from.proxy_parts = url.parse(proxy, { port = 3128 })
    socket.try(from.proxy_parts and from.proxy_parts.host, "invalid proxy")
  end
  if from.host then
    from.uri = given.uri or (proxy and from.scheme == "http" and absolute_target_of or target_of)(from)
    from.headers = headers_of(from)
    check(from)
  end
  if proxy then
    from.peer_host, from.peer_port = from.host, from.port or from.default_port
    from.host, from.port = from.proxy_parts.host, from.proxy_parts.port
  end
  return from
end

return request
