-- Sockets for datagrams, from the native module or another one with LuaSocket's interface.
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

---A port on which nobody receives.
function datagrams.deaf_port(socket)
  local skt, port = datagrams.bind(socket)
  skt:close()
  return port
end

return datagrams
