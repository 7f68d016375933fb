-- Schedulers of their own for each test.
local loop = {}

---A new instance of the module, as a program gets that starts over.
function loop.fresh()
  package.loaded["copas"] = nil
  return require("copas")
end

---Runs threads until the loop ends; the first error of any thread becomes one of the caller.
---@param copas table
---@param ... fun()  what the threads do
function loop.run(copas, ...)
  local failed, failure = false, nil
  copas.seterrorhandler(function(err)
    if not failed then failed, failure = true, err end
  end, true)
  for _, body in ipairs { ... } do copas.addthread(body) end
  copas.loop()
  if failed then error(failure, 0) end
end

---Collects until nothing is left that can be.
function loop.collect()
  collectgarbage()
  collectgarbage()
end

return loop
