local copas = require("copas")
local asynchttp = require("copas.http").request

local list = {
"http://www.google.com",
"http://www.microsoft.com",
"http://www.apple.com",
"http://www.facebook.com",
"http://www.yahoo.com",
}

local handler = function(host)
res, err = asynchttp(host)
print("Host done: "..host)
end

for _, host in ipairs(list) do copas.addthread(handler, host) end
copas()
