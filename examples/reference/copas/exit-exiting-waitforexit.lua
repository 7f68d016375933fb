local copas = require("copas")

copas.addthread(function()
  copas.waitforexit()
  print("exiting", copas.exiting()) -- a good place to remove servers
end)
copas.addthread(function()
  print("exiting", copas.exiting())
  copas.exit()
end)
copas()
--> exiting  false
--> exiting  true
