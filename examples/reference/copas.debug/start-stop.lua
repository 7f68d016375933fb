local copas = require("copas")

copas.addnamedthread("worker", function()
  copas.pause(0.01)
end)
copas.debug.start(function(line)
  print((line:match("^%l+ 'worker'"))) -- what follows says what it waits for
end)
copas()
copas.debug.stop()
--> resuming 'worker'
--> yielding 'worker'
--> resuming 'worker'
--> exiting 'worker'
