-- Megabytes in both directions at once, by blocks, lines and to the end.
local copas = require("copas")
local semaphore = require("copas.semaphore")
local socket = require("socket")

local server = assert(socket.bind("127.0.0.1", 0))
local _, port = server:getsockname()
local size = 3 * 1024 * 1024
local body = ("0123456789abcdef"):rep(size / 16)

copas.addserver(server, copas.handler(function(skt)
  local read = semaphore.new(1)
  copas.addthread(function() -- reads while the handler writes
    local length = assert(skt:receive("*l"))
    local data = assert(skt:receive(tonumber(length)))
    assert(data == body)
    skt:send("got it\n")
    read:give()
  end)
  assert(skt:send(body) == size)
  assert(read:take())
  skt:receive("*l") -- the end
end))

copas.loop(function()
  local skt = copas.wrap(socket.tcp())
  assert(skt:connect("127.0.0.1", port))
  local finished = false
  copas.addthread(function()
    assert(skt:send(size .. "\n"))
    local last = 0
    while last < size do -- by pieces, as some libraries do
      local sent, err, partial = skt:send(body, last + 1, math.min(last + 100000, size))
      last = assert(sent or partial, err)
    end
    finished = true
  end)

  local parts, received = {}, 0
  while received < size do
    local data, err, partial = skt:receive(math.min(8192, size - received))
    data = data or partial
    assert(data and #data > 0, err)
    parts[#parts + 1] = data
    received = received + #data
  end
  assert(table.concat(parts) == body)
  local line = assert(skt:receive("*l"))
  assert(line == "got it", line)
  assert(finished)
  local got, sent = skt:getstats()
  assert(got == size + #"got it\n" and sent == size + #(size .. "\n"))
  skt:close()
  copas.removeserver(server)
end)
print("ok")
