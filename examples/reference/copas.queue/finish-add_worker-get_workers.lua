local copas = require("copas")

copas(function()
  local jobs = copas.queue.new()
  for _ = 1, 3 do
    jobs:add_worker(function(job)
      copas.pause(job / 100)
      print("job " .. job)
    end)
  end
  print(#jobs:get_workers()) --> 3
  for job = 5, 1, -2 do jobs:push(job) end
  print(jobs:finish())
end)
--> job 1
--> job 3
--> job 5
--> true
