local copas = require("copas")

local lock = copas.lock.new()

local function work(name)
  lock:get()
  print(name, "begins")
  copas.pause(0.01)
  print(name, "ends")
  lock:release()
end

copas.addthread(work, "first")
copas.addthread(work, "second")
copas()
--> first  begins
--> first  ends
--> second  begins
--> second  ends
print(lock:release()) --> nil  cannot release a lock not owned
