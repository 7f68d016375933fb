local copas = require("copas")
local socket = require("copas.socket")

copas.resolver {
  servers = { "127.0.0.1:5353", "[::1]:5353" },
  timeout = 2,
  tries = 1,
  search = { "example.com" },
}
print((socket.dns.toip("localhost"))) --> 127.0.0.1

local _, err = pcall(copas.resolver, { server = "127.0.0.1" })
print(err:match("unknown.*")) --> unknown option 'server'
