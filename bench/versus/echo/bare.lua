-- The floor for a Lua program: a coroutine for each connection on a loop written by hand in C++ for this one protocol,
-- bare_loop.cpp. It has no scheduler, no timeouts and no objects; a connection is a pointer.
local loop = require "bare_loop"
local receive, send = loop.receive, loop.send

local function echo(connection)
  while true do
    local line = receive(connection)
    if not line or line == "quit" then break end
    send(connection, line .. "\n")
  end
end

local function echo_blocks(connection)
  while true do
    local block = receive(connection, 64)
    if not block then break end
    send(connection, block)
  end
end

loop.serve(tonumber(arg[1]) or 0, arg[2] == "blocks" and echo_blocks or echo)
