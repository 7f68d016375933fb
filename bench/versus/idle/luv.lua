-- A server that nobody calls and a timer of a minute, on luv.
local uv = require "luv"

local server = uv.new_tcp()
assert(server:bind("127.0.0.1", 0))
assert(server:listen(1024, function() end))
uv.new_timer():start(60000, 60000, function() end)

print("listening " .. server:getsockname().port)
io.flush()
uv.run()
