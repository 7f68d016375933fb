-- The line echo server on cqueues, as in the examples of its manual: a coroutine of one controller for each
-- connection, the iterator con:lines(), con:write(). Lines keep their LF ("*L"), which saves joining them again;
-- output is line-buffered, so a line leaves when it is complete.
-- With `blocks` it sends back 64 bytes at a time, unbuffered.
local cqueues = require "cqueues"
local socket = require "cqueues.socket"

local longest_line = 1024 * 1024 -- the default is 4096, what is longer comes in pieces

local function return_errors(_, _, why) return why end

local function echo(con)
  con:setmode("b", "bl")
  con:setmaxline(longest_line)
  con:onerror(return_errors) -- the default raises them: a peer that goes away is no mistake of ours
  for line in con:lines("*L") do
    if line == "quit\n" then break end
    if not con:write(line) then break end
  end
  con:close()
end

local function echo_blocks(con)
  con:setmode("b", "bn")
  con:onerror(return_errors)
  while true do
    local block = con:read(64)
    if not block or not con:write(block) then break end
  end
  con:close()
end

local server = assert(socket.listen {
  host = "127.0.0.1", port = tonumber(arg[1]) or 0, reuseaddr = true, nodelay = true,
})
assert(server:listen())
local _, _, port = server:localname()
print("listening " .. port)
io.flush()

local controller = cqueues.new()
controller:wrap(function()
  for con in server:clients { nodelay = true } do
    controller:wrap(arg[2] == "blocks" and echo_blocks or echo, con)
  end
end)
assert(controller:loop())
