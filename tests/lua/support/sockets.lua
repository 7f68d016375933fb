-- Connected sockets, from the native module or another one with LuaSocket's interface.
local sockets = {}

---A listening socket on a free port.
---@return table server, integer port
function sockets.listen(socket, host)
  local server = assert(socket.bind(host or "127.0.0.1", 0))
  local _, port = assert(server:getsockname())
  return server, tonumber(port)
end

local peers = setmetatable({}, { __mode = "k" })

---Both ends of a connection, in blocking mode. The first keeps the second from being collected, which would close it.
function sockets.pair(socket, other)
  local server, port = sockets.listen(socket)
  local client = assert((other or socket).connect("127.0.0.1", port))
  local accepted = assert(server:accept())
  server:close()
  peers[accepted] = client
  return accepted, client
end

function sockets.close(...)
  for _, each in ipairs { ... } do each:close() end
end

function sockets.has_ipv6(socket)
  local server = socket.bind("::1", 0)
  if server then server:close() end
  return server ~= nil
end

---A port on which nobody listens.
function sockets.deaf_port(socket)
  local server, port = sockets.listen(socket)
  server:close()
  return port
end

---A port of a listening socket whose backlog is full: the system answers no more.
---@return integer port, fun() close
function sockets.full_listener(socket)
  local server = socket.tcp()
  server:bind("127.0.0.1", 0)
  server:listen(0)
  local _, port = server:getsockname()
  local clients = {}
  for index = 1, 4 do
    clients[index] = socket.tcp()
    clients[index]:settimeout(0)
    clients[index]:connect("127.0.0.1", port)
  end
  return tonumber(port), function()
    for _, each in ipairs(clients) do each:close() end
    server:close()
  end
end

---Shrinks the buffers between two ends, so that a megabyte fills them. (Much smaller ones make the system dawdle.)
function sockets.narrow(sender, receiver)
  sender:setoption("send-buffer-size", 100000)
  receiver:setoption("recv-buffer-size", 100000)
end

return sockets
