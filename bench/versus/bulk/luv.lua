-- Sends or receives a lot on luv (libuv for Lua), which has no TLS of its own. It sends the next 64 KiB when libuv
-- has taken the last, which its documentation has the callback of write for.
--   luv.lua 0 send|receive BYTES
local uv = require "luv"

local sends, bytes, block = arg[2] == "send", tonumber(arg[3]), 64 * 1024
local text = ("x"):rep(block)

local function send_bytes(client)
  local left = bytes
  local function go_on(err)
    if err or left <= 0 then return client:close() end
    left = left - block
    client:write(text, go_on)
  end
  local request = ""
  client:read_start(function(err, chunk)
    if err or not chunk then return end
    request = request .. chunk
    if request:find("\r\n\r\n", 1, true) then
      client:read_stop()
      go_on()
    end
  end)
end

local function receive_bytes(client)
  local left = bytes
  client:read_start(function(err, chunk)
    if err or not chunk then return client:close() end
    left = left - #chunk
    if left <= 0 then
      client:read_stop()
      client:write("done\n", function() client:close() end)
    end
  end)
end

local server = uv.new_tcp()
assert(server:bind("127.0.0.1", 0))
assert(server:listen(1024, function(err)
  assert(not err, err)
  local client = uv.new_tcp()
  server:accept(client)
  client:nodelay(true)
  if sends then send_bytes(client) else receive_bytes(client) end
end))

print("listening " .. server:getsockname().port)
io.flush()
uv.run()
