local copas = require("copas")
copas(function()
copas.timer.new({
delay = 1, -- delay in seconds
recurring = true, -- make the timer repeat
params = "hello world",
callback = function(timer_obj, params)
print(params) -- prints "hello world"
timer_obj:cancel() -- cancel the timer after 1 occurence
end
})
end)
