-- ssl.https in the form of LuaSec: LuaSocket's requests over TLS, which block. In threads, copas.http is for that.
local tls = ...

local http = require("socket.http")
local ltn12 = require("ltn12")
local socket = require("socket")
local url = require("socket.url")

local tls_internal = getmetatable(tls).internal

local https = {
  _VERSION = tls._VERSION,
  _COPYRIGHT = tls._COPYRIGHT,
  PORT = 443,
  TIMEOUT = 60,
}

local defaults = {
  protocol = "any",
  options = { "all", "no_sslv2", "no_sslv3", "no_tlsv1" },
  verify = "none",
}

local try = socket.try

-- Calls of methods that this object lacks go to the socket in it.
local forwarding = {
  __index = function(self, name)
    local method = self.sock[name]
    if method == nil then return nil end
    return function(object, ...)
      local raw = object.sock
      return raw[name](raw, ...)
    end
  end,
}

---A function that makes sockets for socket.http, secured when they are connected.
---@param params table?  TLS parameters
function https.tcp(params)
  local given = {}
  for name, value in pairs(params or {}) do given[name] = value end
  for name, value in pairs(defaults) do
    if given[name] == nil then given[name] = value end
  end
  given.mode = "client"

  return function()
    local connection = setmetatable({ sock = try(socket.tcp()) }, forwarding)

    function connection:connect(host, port)
      try(self.sock:connect(host, port))
      self.sock = try(tls.wrap(self.sock, given))
      self.sock:sni(host)
      if given.verify_host == true then tls_internal.functions.expect(self.sock, host) end
      self.sock:settimeout(https.TIMEOUT)
      try(self.sock:dohandshake())
      return 1
    end

    return connection
  end
end

-- The URL with the port of https, where it names none.
local function with_port(address)
  return url.build(url.parse(address, { port = https.PORT }))
end

---request(url [, body]), request{ url =, ... }: as socket.http, with TLS parameters among the fields.
function https.request(request, body)
  local chunks = {}
  local simple = type(request) == "string"
  if simple then
    request = { url = request, sink = ltn12.sink.table(chunks) }
    if body then
      request.method = "POST"
      request.source = ltn12.source.string(body)
      request.headers = {
        ["content-length"] = #body,
        ["content-type"] = "application/x-www-form-urlencoded",
      }
    end
  else
    local copy = {}
    for name, value in pairs(request) do copy[name] = value end
    request = copy
  end
  if http.PROXY or request.proxy then return nil, "proxy not supported" end
  if request.redirect then return nil, "redirect not supported" end
  if request.create then return nil, "create function not permitted" end

  request.url = with_port(request.url)
  request.redirect = false
  request.create = https.tcp(request)
  local outcome, code, headers, status = http.request(request)
  if outcome and simple then outcome = table.concat(chunks) end
  return outcome, code, headers, status
end

return https
