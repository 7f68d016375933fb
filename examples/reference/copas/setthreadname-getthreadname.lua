local copas = require("copas")

local co = copas.addthread(function()
  print(copas.getthreadname())
end)
print(copas.getthreadname(co) == tostring(co))
copas.setthreadname("worker", co)
copas()
--> true
--> worker
