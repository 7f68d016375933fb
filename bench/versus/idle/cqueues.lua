-- A server that nobody calls and a timer of a minute, on cqueues.
local cqueues = require "cqueues"
local socket = require "cqueues.socket"

local server = assert(socket.listen { host = "127.0.0.1", port = 0 })
assert(server:listen())
local _, _, port = server:localname()
print("listening " .. port)
io.flush()

local controller = cqueues.new()
controller:wrap(function()
  for con in server:clients() do con:close() end
end)
controller:wrap(function()
  while true do cqueues.sleep(60) end
end)
assert(controller:loop())
