-- Timeouts of sockets for streams and for datagrams, of threads, and what they leave behind.
local copas = require("copas")
local socket = require("socket")

local server = assert(socket.bind("127.0.0.1", 0))
local _, port = server:getsockname()
copas.addserver(server, copas.handler(function(skt)
  skt:send("first ")
  copas.pause(0.1)
  skt:send("second\n")
  skt:receive() -- until the client goes
end))

local function timed(f, ...)
  local start = copas.gettime()
  local result = { f(...) }
  result.time = copas.gettime() - start
  return result
end

copas.loop(function()
  local skt = copas.wrap(socket.tcp())
  skt:settimeouts(5, 5, 0.05)
  assert(skt:connect("127.0.0.1", port))

  local got = timed(skt.receive, skt, "*l")
  assert(got[1] == nil and got[2] == "timeout" and got[3] == "first ", got[2])
  assert(got.time > 0.05)

  skt:settimeout(5)
  got = timed(skt.receive, skt, "*l", got[3])
  assert(got[1] == "first second", got[1])

  -- A receive limit of nothing takes what comes, and waits for the first byte.
  skt:settimeouts(nil, nil, 0.01)
  copas.useSocketTimeoutErrors(true)
  local _, err = skt:receive()
  assert(err == "timeout")
  copas.useSocketTimeoutErrors(false)

  -- Sending to somebody who does not read.
  local deaf = assert(socket.bind("127.0.0.1", 0))
  local _, deaf_port = deaf:getsockname()
  local sender = copas.wrap(socket.tcp())
  assert(sender:connect("127.0.0.1", deaf_port))
  sender:settimeouts(nil, 0.05, nil)
  local data = ("x"):rep(20 * 1024 * 1024)
  local sent, why, last = sender:send(data)
  assert(sent == nil and why == "timeout" and last > 0 and last < #data)
  sender:close()
  deaf:close()

  -- Datagrams.
  local udp = copas.wrap(assert(socket.udp()))
  assert(udp:setsockname("127.0.0.1", 0))
  assert(udp:settimeout(0.05) == true)
  got = timed(udp.receivefrom, udp)
  assert(got[1] == nil and got[2] == "timeout" and got.time > 0.05)
  got = timed(udp.receive, udp, 100)
  assert(got[1] == nil and got[2] == "timeout")
  udp.socket:close()

  -- Threads: the callback may wake them.
  local fired
  copas.timeout(0.02, function(co)
    fired = co
    copas.wakeup(co)
  end)
  assert(copas.gettimeouts() == 1)
  assert(copas.pause(60) < 60)
  assert(type(fired) == "thread")
  copas.timeout(0.01, function() error("cancelled before") end)
  copas.timeout(0)
  copas.pause(0.02)
  assert(copas.gettimeouts() == 0)

  local ok, message = skt:settimeout("a string")
  assert(ok == nil and message == "timeout must be 'nil' or a number")
  ok, message = skt:settimeouts(1, {}, 1)
  assert(ok == nil and message == "send timeout must be 'nil' or a number")

  skt:close()
  copas.removeserver(server)
end)
print("ok")
