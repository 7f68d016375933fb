-- Makes HTTP requests on the Copas of Debian's package lua-copas: LuaSocket's `socket.http` with sockets wrapped by
-- Copas, a connection for each, as in its manual.
--   upstream.lua many URL COUNT AT_ONCE   |   upstream.lua download URL BYTES
local copas = require "copas"
local socket = require "socket"
local http = require "socket.http"
local ltn12 = require "ltn12"

local mode, url = arg[1], arg[2]
local expected = "hello, world, from a server that has little to say\n"
local coxpcall = require "coxpcall"

local running = 0

-- What this version's `copas.wrap` gives lacks methods and parameters that `socket.http` needs, and a connection that
-- took its time is "already connected" when it asks again.
local function create()
  local skt = socket.tcp()
  skt:settimeout(0)
  return {
    connect = function(_, host, port)
      local connected, err = copas.connect(skt, host, port)
      return connected or (err == "already connected" and 1 or nil), err
    end,
    send = function(_, ...) return copas.send(skt, ...) end,
    receive = function(_, pattern, part) return copas.receive(skt, pattern, part) end,
    settimeout = function() return 1 end,
    close = function() return skt:close() end,
  }
end

local function thread(work)
  running = running + 1
  copas.addthread(function()
    local fine, why = coxpcall.pcall(work)
    if not fine then
      io.stderr:write(tostring(why), "\n")
      os.exit(1)
    end
    running = running - 1
    if running == 0 then os.exit(0) end -- this version's loop never ends
  end)
end

local function make_many(count, at_once)
  local begun = 0
  running = 1 -- until all have begun
  for _ = 1, at_once do
    thread(function()
      while begun < count do
        begun = begun + 1
        local chunks = {}
        local _, status = http.request { url = url, sink = ltn12.sink.table(chunks), create = create }
        assert(status == 200, status)
        assert(table.concat(chunks) == expected)
      end
    end)
  end
  running = running - 1
end

local function download(bytes)
  thread(function()
    local received = 0
    local function sink(chunk)
      if chunk then received = received + #chunk end
      return 1
    end
    local _, status = http.request { url = url, sink = sink, create = create }
    assert(status == 200, status)
    assert(received == bytes)
  end)
end

if mode == "many" then make_many(tonumber(arg[3]), tonumber(arg[4])) else download(tonumber(arg[3])) end
if running > 0 then copas.loop() end
