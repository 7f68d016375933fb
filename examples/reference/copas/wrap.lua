local copas = require("copas")
local socket = require("copas.socket")

local raw = socket.tcp()
local wrapped = copas.wrap(raw)
print(wrapped.socket == raw) --> true
print(copas.wrap(wrapped) == wrapped) --> true
