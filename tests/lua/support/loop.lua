-- Schedulers of their own for each test.
local loop = {}

---A new instance of the module, as a program gets that starts over.
function loop.fresh()
  package.loaded["copas"] = nil
  return require("copas")
end

---The same, with an empty list, and a function that adds what it is called with to the list.
---@return table copas, table[] order, fun(...) note
function loop.noting()
  local order = {}
  return loop.fresh(), order, function(...) order[#order + 1] = { ... } end
end

---Runs threads until the loop ends, or one of them fails: its error becomes one of the caller.
---@param copas table
---@param ... fun()  what the threads do
function loop.run(copas, ...)
  copas.seterrorhandler(function(err)
    copas.step = function() error(err, 0) end -- which ends the loop, whatever is left to do
  end, true)
  for _, body in ipairs { ... } do copas.addthread(body) end
  copas.loop()
end

---Lets threads run until they wait.
function loop.settle(copas)
  for _ = 1, 5 do copas.step(0) end
end

---Collects until nothing is left that can be.
function loop.collect()
  collectgarbage()
  collectgarbage()
end

return loop
