-- A client for redis, while a timer ticks: copas examples/lua/redis.lua [PORT]
local copas = require("copas")
local socket = require("socket")

local redis = {}
redis.__index = redis

function redis.connect(host, port)
  local skt = copas.wrap(socket.tcp())
  skt:settimeout(5)
  local ok, err = skt:connect(host, port)
  if not ok then return nil, err end
  return setmetatable({ skt = skt }, redis)
end

function redis:answer()
  local line, err = self.skt:receive()
  if not line then return nil, err end
  local kind, rest = line:sub(1, 1), line:sub(2)
  if kind == "+" then return rest end
  if kind == "-" then return nil, rest end
  if kind == ":" then return tonumber(rest) end
  if rest == "-1" then return nil end
  if kind == "$" then return (self.skt:receive(tonumber(rest) + 2):sub(1, -3)) end
  local answers = {} -- "*"
  for index = 1, tonumber(rest) do answers[index] = self:answer() end
  return answers
end

---Gives a command, and waits for its answer, while other threads run.
function redis:call(...)
  local words = { ... }
  local parts = { ("*%d\r\n"):format(#words) }
  for _, word in ipairs(words) do parts[#parts + 1] = ("$%d\r\n%s\r\n"):format(#tostring(word), word) end
  local sent, err = self.skt:send(table.concat(parts))
  if not sent then return nil, err end
  return self:answer()
end

local port = tonumber(arg and arg[1]) or 6379

local function main()
  local ticks = 0
  local timer = copas.timer.new { delay = 0.01, recurring = true, callback = function() ticks = ticks + 1 end }

  -- One waits for what the other one has to say.
  copas.addthread(function()
    local speaker = assert(redis.connect("127.0.0.1", port))
    copas.pause(0.1)
    speaker:call("RPUSH", "greetings", "hello")
  end)
  local listener = assert(redis.connect("127.0.0.1", port))
  local answer = assert(listener:call("BLPOP", "greetings", 10))
  print("heard " .. answer[2] .. (ticks > 0 and ", and ticked meanwhile" or ""))
  timer:cancel()
end

if copas.running then main() else copas(main) end
