-- What a program outside of the tree may do: require the module and its parts, in any order, and let them work.
local timer = require("copas.timer")
local socket = require("copas.socket")
local copas = require("copas")
assert(copas.timer == timer)

local server = assert(socket.bind("127.0.0.1", 0))
local _, port = server:getsockname()
copas.addserver(server, copas.handler(function(skt)
  skt:send(assert(skt:receive()) .. " back\n")
  copas.removeserver(server)
end))

timer.new {
  delay = 0.01,
  callback = function()
    local client = copas.wrap(socket.tcp())
    assert(client:connect("127.0.0.1", port))
    client:send("there and\n")
    print((client:receive()))
    client:close()
  end,
}

copas()
