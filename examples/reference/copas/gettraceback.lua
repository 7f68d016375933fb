local copas = require("copas")

copas.seterrorhandler(function(err, co, skt)
  local text = copas.gettraceback(err, co, skt)
  print((text:match("^[^\n]+"))) --> a failure (coroutine: worker, socket: nil)
  print(text:find("stack traceback:", 1, true) ~= nil) --> true
end, true)
copas.addnamedthread("worker", function() error("a failure", 0) end)
copas()
