local copas = require("copas")

-- A socket of another library, which waits for what it says.
local skt = {
  settimeout = function() end,
  getfd = function() return -1 end,
  receive = function() return nil, "wantread", "" end,
}
copas.settimeout(skt, 0.01)

copas(function()
  print(copas.receive(skt)) --> nil  timeout
  copas.useSocketTimeoutErrors(true)
  print(copas.receive(skt)) --> nil  wantread
end)
