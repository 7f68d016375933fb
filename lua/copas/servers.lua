-- Servers: a thread for each listening socket accepts, and starts a thread for each connection.
local copas, internal = ...
local native, foreign = internal.native, internal.foreign

local servers = {} -- by raw socket

-- Starts the thread of a connection.
local function serve(server, client)
  local given = internal.given_name(server.socket)
  if given and given ~= server.name then server.name, server.number = given, internal.name_server(given) end
  server.accepted = server.accepted + 1
  if not native.is_native(client) then
    copas.setsocketname(("%s:client_%d"):format(server.name, server.accepted), client)
    client:settimeout(0)
    foreign.inherit_limits(client, server.socket)
  end
  native.serve(server.handler, client, server.number, server.accepted, copas.autoclose)
end

-- Waits for connections of a native server, which get their objects where that may fail.
local function accept_native(skt, later)
  local ok, err = native.accept(skt, later)
  if not ok then return nil, err end
  return pcall(native.accepted, skt)
end

local function accept_foreign(skt, later)
  local client, err = foreign.accept(skt, later)
  if not client then return nil, err end
  return true, client
end

-- The life of a server's thread. A connection that there is no memory for is closed, and the others go on.
local function accept_connections(server)
  local accept = native.is_native(server.socket) and accept_native or accept_foreign
  local later = true -- those who wait for the first step get their turn in it
  while true do
    local ok, client = accept(server.socket, later)
    if ok == nil then break end
    later = false
    local failure = client
    if ok then
      ok, failure = pcall(serve, server, client)
      if not ok then pcall(copas.close, client) end
    end
    if not ok then pcall(internal.report, failure, native.running(), server.socket) end
  end
  if servers[server.socket] == server then servers[server.socket] = nil end
end

native.on("close", function(skt) copas.close(skt) end)

local function add_listener(skt, handler)
  local server = servers[skt]
  if server then
    server.handler = handler
    return
  end
  local name = copas.getsocketname(skt)
  server = { socket = skt, handler = handler, accepted = 0, name = name, number = internal.name_server(name) }
  servers[skt] = server
  server.thread = native.spawn_now(3, accept_connections, server)
end

local function port_of(skt)
  local _, port = skt:getsockname()
  return tonumber(port)
end

---Is a server of this loop at the other end of a native connection?
function internal.serves(connection)
  if not next(servers) then return false end
  local address, port = connection:getpeername()
  if not address or address ~= connection:getsockname() then return false end
  for skt in pairs(servers) do
    local ok, found = pcall(port_of, skt) -- an object of the program's own may have no address
    if ok and found == port then return true end
  end
  return false
end

-- The threads that handle datagrams, by raw socket.
local datagram_handlers = setmetatable({}, { __mode = "kv" })

local function take_datagram_handler(skt)
  local co = datagram_handlers[skt]
  datagram_handlers[skt] = nil
  return co
end

-- Ends the handler of a socket's datagrams, unless that is who calls.
local function remove_datagram_handler(skt)
  local co = take_datagram_handler(skt)
  if co and co ~= native.running() then native.remove(co, true) end
end

local function add_datagram_handler(skt, handler)
  remove_datagram_handler(skt)
  local co = native.serve_datagrams(3, handler, skt, internal.name_server(copas.getsocketname(skt)))
  datagram_handlers[skt] = co
end

function copas.addserver(skt, handler, timeout, name)
  foreign.check(skt, 1)
  if handler == nil then error("expected arg #2 to be a function", 2) end
  local ok, fault = pcall(internal.check_handler, handler)
  if not ok then error(fault, 2) end
  skt = internal.raw(skt)
  if type(timeout) == "string" then timeout, name = nil, name or timeout end
  if name ~= nil and type(name) ~= "string" then error("expected arg #4 to be a string", 2) end
  if type(timeout) == "number" then copas.settimeout(skt, timeout) end
  if name ~= nil then copas.setsocketname(name, skt) end
  skt:settimeout(0)
  if internal.is_datagram(skt) then
    add_datagram_handler(skt, handler)
  else
    add_listener(skt, handler)
  end
end

function copas.removeserver(skt, keep_open)
  foreign.check(skt, 1)
  local raw = internal.raw(skt)
  local server = servers[raw]
  servers[raw] = nil
  if server then native.remove(server.thread) end
  if keep_open or skt ~= raw and internal.is_datagram(raw) then -- a wrapped socket for datagrams does not close
    remove_datagram_handler(raw)
    return true
  end
  take_datagram_handler(raw) -- it hears that the socket is closed
  return copas.close(raw)
end
