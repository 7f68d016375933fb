local unix = require("copas.socket.unix")

local first, second = unix(), unix()
second:setfd(first:getfd()) -- takes the descriptor over,
first:setfd(-1) -- so the first owner has to let go of it
print(first:getfd(), second:dirty()) --> -1  false
