-- copas.ftp: LuaSocket's socket.ftp on sockets that wait for the thread that uses them, those for the data, too.
local copas, internal = ...

local socket = internal.load("socket_of_requests")
local ltn12 = require("ltn12")
local url = require("socket.url")

local luasocket = require("socket.ftp")

local function create()
  return copas.wrap(socket.tcp())
end

-- Those of ours get their data by sockets of ours.
local open = luasocket.open
luasocket.open = function(server, port, creating, ...)
  local control = open(server, port, creating, ...)
  if creating == create then
    function control:pasvconnect()
      self.data = self.try(create())
      self.data:settimeout(luasocket.TIMEOUT)
      self.try(self.data:connect(self.pasvt.address, self.pasvt.port))
    end
  end
  return control
end

local ftp = internal.load("requests_of", luasocket, { PORT = true, TIMEOUT = true, PASSWORD = true, USER = true })

-- The fields of a request that a URL stands for; or false and an error.
local function parse(address)
  local parts = url.parse(address, { path = "/", scheme = "ftp" })
  if not parts then return nil, "invalid url" end
  if parts.scheme ~= "ftp" then return nil, ("wrong scheme '%s'"):format(parts.scheme) end
  if not parts.host then return nil, "missing hostname" end
  if parts.params then
    parts.type = parts.params:match("^type=(.+)")
    if parts.type ~= "a" and parts.type ~= "i" then
      return nil, ("invalid type '%s'"):format(tostring(parts.type))
    end
  end
  return parts
end

local function with_create(request)
  local copy = {}
  for name, value in pairs(request) do copy[name] = value end
  copy.create = copy.create or create
  return copy
end

---get(url): the content; get{ host =, path =, sink =, ... }: 1
function ftp.get(request)
  if type(request) ~= "string" then return luasocket.get(with_create(request)) end
  local parts, err = parse(request)
  if not parts then return nil, err end
  local chunks = {}
  parts.sink = ltn12.sink.table(chunks)
  local ok
  ok, err = luasocket.get(with_create(parts))
  if not ok then return nil, err end
  return table.concat(chunks)
end

---put(url, content), put{ host =, path =, source =, ... }: how many bytes were sent
function ftp.put(request, content)
  if type(request) ~= "string" then return luasocket.put(with_create(request)) end
  local parts, err = parse(request)
  if not parts then return nil, err end
  parts.source = ltn12.source.string(content)
  return luasocket.put(with_create(parts))
end

function ftp.command(request)
  return luasocket.command(with_create(request))
end

return ftp
