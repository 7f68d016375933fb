local copas = require("copas")

copas(function()
  copas.timeout(0.01, function(co)
    print("it takes too long")
    copas.wakeup(co)
  end)
  copas.pause(1000)
  copas.timeout(0) -- were it still pending, this would end it
  print("done")
end)
--> it takes too long
--> done
