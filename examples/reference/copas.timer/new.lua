local copas = require("copas")

copas.timer.new {
  delay = 0.01,
  recurring = true,
  params = { "one", "two" },
  callback = function(timer, words)
    print(table.remove(words, 1))
    if #words == 0 then timer:cancel() end
  end,
}
copas()
--> one
--> two
