local copas = require("copas")

local jobs = copas.queue.new { name = "jobs" }
print(jobs.name) --> jobs
