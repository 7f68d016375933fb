-- LuaSocket's own modules in threads: ltn12 with sinks and sources of sockets, socket.http on wrapped sockets,
-- socket.select. In Lua 5.1 copas has to be loaded before socket.http.
local copas = require("copas")
local socket = require("socket")
local http = require("socket.http")
local ltn12 = require("ltn12")
local url = require("socket.url")

local server = assert(socket.bind("127.0.0.1", 0))
local _, port = server:getsockname()
local others = 0

copas.addserver(server, copas.handler(function(skt)
  local line = skt:receive()
  local length
  repeat
    local header = skt:receive()
    length = length or header:lower():match("^content%-length: (%d+)")
  until header == ""
  local body = {}
  if length then
    assert(ltn12.pump.all(socket.source("by-length", skt, tonumber(length)), (ltn12.sink.table(body))))
  end
  copas.pause(0.002)
  local answer = line .. " " .. table.concat(body):upper()
  skt:send("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
  assert(ltn12.pump.all(ltn12.source.string(answer), socket.sink("close-when-done", skt)))
end))

local function wrapped_tcp()
  local skt = copas.wrap(socket.tcp())
  return skt
end

copas.loop(function()
  local pending = true
  copas.addthread(function()
    while pending do
      others = others + 1
      copas.pause(0)
    end
  end)

  local address = url.build { scheme = "http", host = "127.0.0.1", port = tostring(port), path = "/path" }
  local parts = {}
  local ok, code, headers, status = http.request {
    url = address,
    method = "POST",
    create = wrapped_tcp,
    headers = { ["content-length"] = 4 },
    source = ltn12.source.string("data"),
    sink = ltn12.sink.table(parts),
  }
  assert(ok == 1 and code == 200, code)
  assert(status == "HTTP/1.1 200 OK" and headers.connection == "close")
  assert(table.concat(parts) == "POST /path HTTP/1.1 DATA", table.concat(parts))
  pending = false
  assert(others > 1)

  -- What is refused comes back as nil and an error.
  local deaf = assert(socket.bind("127.0.0.1", 0))
  local _, deaf_port = deaf:getsockname()
  deaf:close()
  local result, err = http.request { url = "http://127.0.0.1:" .. deaf_port, create = wrapped_tcp }
  assert(result == nil and err == "connection refused", err)

  -- select takes wrapped sockets.
  local skt = wrapped_tcp()
  assert(skt:connect("127.0.0.1", port))
  local readable, writable, why = socket.select({ skt }, { skt }, 0)
  assert(#readable == 0 and writable[1] == skt and why == nil)
  skt:send("GET / HTTP/1.0\r\n\r\n")
  local sink, all = ltn12.sink.table()
  assert(ltn12.pump.all(socket.source("until-closed", skt), sink))
  assert(table.concat(all):find("200 OK", 1, true))
  copas.removeserver(server)
end)
print("ok")
