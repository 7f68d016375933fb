local copas = require("copas")

copas.addnamedthread("worker", function(task)
  print(copas.getthreadname(), task) --> worker  a task
end, "a task")
copas()
