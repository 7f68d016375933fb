-- Sockets for datagrams, from the native module or another one with LuaSocket's interface.
local assert = require("luassert")
local check = require("support.check")

local datagrams = {}

---A UDP socket on a free port of this machine.
---@return table skt, integer port
function datagrams.bind(socket, host)
  local skt = assert(socket.udp())
  assert(skt:setsockname(host or "127.0.0.1", 0))
  local _, port = assert(skt:getsockname())
  return skt, tonumber(port)
end

---A UDP socket whose peer is at a port of this machine.
function datagrams.connect(socket, port, host)
  local skt = assert(socket.udp())
  assert(skt:setpeername(host or "127.0.0.1", port))
  return skt
end

---A UDP socket on a free port, and one whose peer it is.
---@return table server, integer port, table client
function datagrams.pair(socket)
  local server, port = datagrams.bind(socket)
  return server, port, datagrams.connect(socket, port)
end

function datagrams.has_ipv6(socket)
  local skt = socket.udp6()
  local ok = skt and skt:setsockname("::1", 0)
  if skt then skt:close() end
  return ok ~= nil
end

---A port on which nobody receives.
function datagrams.deaf_port(socket)
  local skt, port = datagrams.bind(socket)
  skt:close()
  return port
end

---Checks what `getsockname` or `getpeername` returned. LuaSocket gives the port as a string.
function datagrams.check_name(expected, ...)
  local got = check.pack(...)
  got[2] = tonumber(got[2])
  assert.same(expected, got)
end

return datagrams
