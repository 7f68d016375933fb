-- socket.dns, in LuaSocket's words. In a thread each function waits for its answers, elsewhere it blocks.
local native = ...

local unknown = "host or service not provided, or not known"

local dns = { gethostname = native.gethostname }

-- The entry of a host; the error has other words here than in getaddrinfo.
local function entry_of(host)
  local entry, err = native.host(host)
  if entry then return entry end
  return nil, err == unknown and "host not found" or err
end

---The first IPv4 address of a host, and what is known about it.
---@param host string  a name or an IPv4 address
function dns.toip(host)
  local entry, err = entry_of(host)
  if not entry then return nil, err end
  return entry.ip[1], entry
end

---The canonical name of a host, and what is known about it.
---@param host string  a name or an IPv4 address
function dns.tohostname(host)
  local entry, err = entry_of(host)
  if not entry then return nil, err end
  return entry.name, entry
end

---All addresses of a host, as an array of { family, addr }.
function dns.getaddrinfo(host)
  if type(host) ~= "string" and type(host) ~= "number" then
    local given = host == nil and "no value" or type(host)
    error(("bad argument #1 to 'getaddrinfo' (string expected, got %s)"):format(given), 2)
  end
  return native.addresses(host)
end

---The names of all addresses of a host, and the name of a service.
---@param host string?
---@param service string|integer|nil
function dns.getnameinfo(host, service)
  if host == nil and service == nil then error("host and serv cannot be both nil", 2) end
  local addresses, err = native.addresses(host, service)
  if not addresses then return nil, err end
  local names = {}
  if host ~= nil then
    for index, address in ipairs(addresses) do
      local entry = native.host_of(address.addr)
      names[index] = entry and entry.name or address.addr
    end
  end
  if service == nil then return names end
  return names, native.service(service)
end

return dns
