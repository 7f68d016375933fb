local copas = require("copas")

local connections = copas.semaphore.new(10, 10) -- at most ten, and all are free
print(connections:get_count()) --> 10
