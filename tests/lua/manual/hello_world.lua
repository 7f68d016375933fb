#!/usr/bin/env copas
local count = 0
copas.timer.new {
delay = 1,
recurring = true,
callback = function(self)
count = count + 1
print('hello world ' .. count)
if count >= 5 then
self:cancel()
end
end
}
