-- What the scripts of transcripts/ have in common: schedulers, sockets and time.
local loop = require("support.loop")
local sockets = require("support.sockets")

local stage = {
  socket = nil, -- the socket module; set by who runs the scripts
}

-- The sockets of the current scene: a peer that is collected closes its connection.
local kept = {}

local function keep(socket, ...)
  kept[#kept + 1] = socket
  if select("#", ...) > 0 then return socket, keep(...) end
  return socket
end

---Leaves the sockets that were made to the collector.
function stage.let_go()
  kept = {}
end

---Runs a part of a script on a scheduler of its own.
---@param title string
---@param body fun(copas: table)
function stage.scene(title, body)
  print("== " .. title)
  body(loop.fresh())
  stage.let_go()
end

---Both ends of a connection; they do not block.
function stage.pair()
  local one, other = sockets.pair(stage.socket)
  one:settimeout(0)
  other:settimeout(0)
  return keep(one, other)
end

---A listening socket, and its port.
function stage.listen()
  return keep(sockets.listen(stage.socket))
end

---A socket that may be connected.
function stage.client()
  local client = assert(stage.socket.tcp())
  client:settimeout(0)
  return keep(client)
end

---Waits, and lets no thread run meanwhile, until the system has something to read for a socket.
function stage.await_readable(skt)
  assert(stage.socket.select({ skt }, nil, 10)[1], "nothing came")
end

---The same until it can be written to.
function stage.await_writable(skt)
  local _, writable = stage.socket.select(nil, { skt }, 10)
  assert(writable[1], "there is no room")
end

---Sends all of a short text, and waits until it has arrived.
function stage.send(from, to, text)
  assert(from:send(text) == #text)
  stage.await_readable(to)
end

---Lets time pass, but no thread run.
function stage.spend(copas, seconds)
  local till = copas.gettime() + seconds
  repeat until copas.gettime() >= till
end

---Says whether other threads ran while `action`, called by a thread, did what it does.
function stage.try(copas, name, action)
  local others = false
  copas.addthread(function() others = true end)
  action()
  print(name .. (others and " let others run" or " went on"))
  copas.pause()
end

---Makes steps that do not wait.
function stage.steps(copas, count)
  for number = 1, count do
    print(("-- step %d"):format(number))
    copas.step(0)
  end
end

return stage
