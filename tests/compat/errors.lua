-- What a program sees of errors in threads, handlers of servers, timers and tasks.
if _VERSION == "Lua 5.1" and not rawget(_G, "jit") then
  pcall = require("coxpcall").pcall -- luacheck: ignore (as programs do that wait in it)
end
local copas = require("copas")
local socket = require("socket")

local printed = {}
local real_print = print
print = function(...) -- luacheck: ignore (the default handler uses what is there)
  assert(select("#", ...) == 1)
  printed[#printed + 1] = (...)
end

-- The default handler prints a traceback, and the loop goes on.
local went_on = false
copas.addnamedthread("unlucky", function()
  local function inner() error("it broke") end
  inner()
end)
copas.loop(function()
  copas.pause()
  went_on = true
end)
assert(went_on)
assert(#printed == 1)
local first_lines = "^[^\n]*errors.lua:%d+: it broke %(coroutine: unlucky, socket: nil%)\nstack traceback:\n\t"
assert(printed[1]:find(first_lines), printed[1])
assert(printed[1]:find("inner", 1, true) or printed[1]:find("errors.lua:%d+: in"))

-- Handlers of one's own, for a thread or for all; the connection is still open in them.
local server = assert(socket.bind("127.0.0.1", 0))
local _, port = server:getsockname()
local got = {}
copas.setErrorHandler(function(err, co, skt)
  got[#got + 1] = { err, co, skt }
  if skt then copas.send(skt, "500 " .. err .. "\n") end
end, true)
copas.addserver(server, function(skt)
  skt = copas.wrap(skt)
  local what = skt:receive()
  copas.pause(0.001)
  error(what, 0)
end, "web")
copas.loop(function()
  local skt = copas.wrap(socket.tcp())
  skt:connect("127.0.0.1", port)
  skt:send("no such page\n")
  local page = skt:receive("*a")
  assert(page == "500 no such page\n", page)
  assert(copas.getthreadname(got[1][2]) == "web:handler_1")
  assert(copas.getsocketname(got[1][3]) == "web:client_1")

  local own
  copas.addthread(function()
    copas.seterrorhandler(function(err) own = err end)
    error("for my own handler", 0)
  end)
  copas.addthread(coroutine.yield) -- not how one waits
  copas.addthread(nil)
  copas.timer.new {
    delay = 0,
    callback = function() error("in a timer", 0) end,
    errorhandler = function(err, co) got.timer = { err, type(co) } end,
  }
  copas.pause(0.01)
  assert(own == "for my own handler")
  assert(got.timer[1] == "in a timer" and got.timer[2] == "thread")
  local found = {}
  for _, each in ipairs(got) do found[#found + 1] = tostring(each[1]) end
  local all = table.concat(found, "\n")
  assert(all:find("user%-code cannot yield to Copas"), all)
  assert(all:find("attempt to call a nil value", 1, true), all)
  copas.removeserver(server)
end)

-- Waits inside pcall, and inside protect of LuaSocket.
copas.loop(function()
  local ok, err = pcall(function()
    copas.pause(0.001)
    error("caught", 0)
  end)
  assert(ok == false and err == "caught")

  local closed
  local try = socket.newtry(function() closed = true end)
  local safe = socket.protect(function(...)
    copas.pause(0.001)
    try(...)
    return "fine", nil
  end)
  local result, why = safe(nil, "failed")
  assert(result == nil and why == "failed" and closed)
  assert(select("#", safe(true)) == 2)
  ok, err = pcall(socket.protect(function() error({ "mine" }) end))
  assert(ok == false and err[1] == "mine")
end)
real_print("ok")
