local copas = require("copas")

copas.seterrorhandler(function(err, co)
  print(copas.getthreadname(co), err)
end, true) -- for all threads

copas.addnamedthread("first", error, "a failure", 0)
copas.addnamedthread("second", function()
  copas.seterrorhandler(function() print("my own handler") end)
  print(type(copas.geterrorhandler()))
  error("another failure")
end)
copas()
--> first  a failure
--> function
--> my own handler
