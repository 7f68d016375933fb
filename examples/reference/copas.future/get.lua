local copas = require("copas")

copas(function()
  local failed = copas.future.addthread(function() error({ code = 7 }) end)
  local ok, err = failed:get()
  print(ok, err.code) --> false  7
  print(failed() == failed:get()) --> true
end)
