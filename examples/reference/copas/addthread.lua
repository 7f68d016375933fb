local copas = require("copas")

local function count(name, to)
  for number = 1, to do
    print(name, number)
    copas.pause()
  end
end

copas.addthread(count, "first", 2)
copas.addthread(count, "second", 2)
copas()
--> first  1
--> second  1
--> first  2
--> second  2
