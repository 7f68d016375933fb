-- The encrypted line echo server on LuaSec and LuaSocket, in the way of Copas 4.11, which Debian does not have:
-- `ssl.wrap` makes a context of the key files for each connection, a coroutine for each waits in `select` for what
-- LuaSec says it wants. The dispatcher is the least that does it, so Copas itself would take more.
local socket = require "socket"
local ssl = require "ssl"

local params = { mode = "server", protocol = "any", certificate = arg[2], key = arg[3], options = "all" }
local reading, writing = {}, {} -- lists of sockets, with the index of each under the socket itself
local threads = {}

local function add(set, skt)
  set[#set + 1] = skt
  set[skt] = #set
end

local function remove(set, skt)
  local at, last = set[skt], set[#set]
  set[at], set[last] = last, at
  set[#set] = nil
  set[skt] = nil
end

-- Calls a method until it wants to wait no more.
local function waiting(skt, method, ...)
  while true do
    local result, err, rest = skt[method](skt, ...)
    if result or (err ~= "wantread" and err ~= "wantwrite") then return result, err, rest end
    local set = err == "wantread" and reading or writing
    add(set, skt)
    coroutine.yield()
    remove(set, skt)
  end
end

local function serve(client)
  client:settimeout(0)
  client:setoption("tcp-nodelay", true)
  local skt = assert(ssl.wrap(client, params))
  skt:settimeout(0)
  threads[skt] = coroutine.running()
  if waiting(skt, "dohandshake") then
    while true do
      local line = waiting(skt, "receive", "*l")
      if not line or not waiting(skt, "send", line .. "\n") then break end
    end
  end
  threads[skt] = nil
  skt:close()
end

local server = assert(socket.bind("127.0.0.1", 0, 1024))
local _, port = server:getsockname()
print("listening " .. port)
io.flush()
server:settimeout(0)
add(reading, server)

local function go_on(skt)
  if skt ~= server then return assert(coroutine.resume(threads[skt])) end
  local client = server:accept()
  while client do
    assert(coroutine.resume(coroutine.create(serve), client))
    client = server:accept()
  end
end

while true do
  local readable, writable = socket.select(reading, writing)
  for _, skt in ipairs(readable) do go_on(skt) end
  for _, skt in ipairs(writable) do go_on(skt) end
end
