-- A server that nobody calls and a timer of a minute, as a Copas program.
local copas = require "copas"
local socket = require "copas.socket"
local timer = require "copas.timer"

local server = assert(socket.bind("127.0.0.1", 0))
local _, port = server:getsockname()
print("listening " .. port)
io.flush()

copas.addserver(server, function() end)
timer.new { delay = 60, recurring = true, callback = function() end }
copas.loop()
