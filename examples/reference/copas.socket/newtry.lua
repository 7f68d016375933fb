local socket = require("copas.socket")

local read = socket.protect(function(path)
  local file = assert(io.open("/dev/null"))
  local try = socket.newtry(function() file:close() end)
  local text = try(file:read(1), "nothing in " .. path)
  file:close()
  return text
end)
print(read("/dev/null")) --> nil  nothing in /dev/null
