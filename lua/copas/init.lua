-- The copas module. Most of what it does is in C++ (the table `native`); here and in the chunks loaded below is what
-- reads better in Lua, or has to be Lua for a thread to wait in it.
local native, load = ...

if _VERSION == "Lua 5.1" then -- there, what captured pcall before cannot wait
  for _, name in ipairs { "socket.http", "copas.http" } do
    local mt = getmetatable(package.loaded[name])
    local made_here = type(mt) == "table" and mt.requests_of_copas -- by an earlier instance
    if package.loaded[name] and not made_here then error("you must require copas before require'ing " .. name) end
  end
end

local copas = {
  _VERSION = "Copas 4.11.0",
  _COPYRIGHT = "Copyright (c) 2026 The Copas authors",
  _DESCRIPTION = "Coroutine Oriented Portable Asynchronous Services",
  _ENGINE = native.engine,
  autoclose = true,
  running = false,
}

-- What is done with objects that are no native sockets: few programs have any, so it is compiled when it is needed.
local foreign = {
  datagram_size = 8192, -- of a receivefrom that does not say how much it wants
}

---Raises an error, in the name of the user's code, if argument `index` cannot be a socket.
function foreign.check(skt, index)
  if type(skt) == "userdata" or type(skt) == "table" then return end
  error(("%sexpected arg #%d to be a socket, got: %s"):format(native.where(), index, type(skt)), 0)
end

setmetatable(foreign, {
  __index = function(_, name)
    setmetatable(foreign, nil)
    load("foreign", native, foreign)
    return foreign[name]
  end,
})

local debug = load("debug_functions")
local internal = { native = native, load = load, foreign = foreign, pcall = load("waiting_pcall"), debug = debug }
foreign.pcall = load("plain_pcall", debug)
load("names", copas, internal)
load("errors", copas, internal)
load("operations", copas, internal)
load("wrappers", copas, internal)
load("servers", copas, internal)

copas.gettime = native.gettime
copas.gettimeouts = native.gettimeouts

-- A function of a chunk that is loaded when it is called first: few programs need it, all would wait for it to compile.
local function on_demand(chunk, name)
  local functions
  return function(...)
    functions = functions or load(chunk, copas, internal)
    return functions[name](...)
  end
end
copas.status = on_demand("status", "status")
copas.resolver = on_demand("resolver", "resolver")
copas.debug = {}
for _, name in ipairs { "start", "stop", "socket" } do copas.debug[name] = on_demand("debug", name) end

-- Threads

copas.addthread = native.addthread

function copas.addnamedthread(name, fn, ...)
  if type(name) == "function" and type(fn) == "string" then name, fn = fn, name end -- the order of old versions
  if name ~= nil and type(name) ~= "string" then error("expected arg #1 to be a string", 2) end
  local co = native.spawn(2, fn, ...)
  if name ~= nil then internal.complete(co, copas.setthreadname, name, co) end
  return co
end

native.on("call", function(fn, ...) return fn(...) end)

-- Debuggers and watchdogs put a function of their own in the place of coroutine.create before they load Copas, to be
-- called for each thread. Only a function that is written in Lua can be dumped.
local create = coroutine.create
if pcall(string.dump, create) then
  native.on("create", function(fn) return create(fn) end)
end

function copas.removethread(co)
  if type(co) == "thread" then native.remove(co) end
end

copas.pause = native.pause
copas.pauseforever = native.pauseforever
copas.wakeup = native.wakeup

---Deprecated form of `pause`: waits for ever if the time is negative.
function copas.sleep(time)
  if type(time) == "number" and time < 0 then
    copas.pauseforever()
  else
    copas.pause(time)
  end
end

copas.timeout = native.timeout
native.on("timeout", function(callback, co)
  copas.setthreadname("copas_core_timer")
  callback(co)
end)

-- The loop

copas.step = native.step
copas.finished = native.finished
copas.exit = native.exit
copas.exiting = native.exiting

local exit_waiters = setmetatable({}, { __mode = "k" }) -- by coroutine: "waiting", then "released"

function copas.waitforexit()
  local co = native.running()
  if co then exit_waiters[co] = "waiting" end -- there is none outside of threads, which native.waitforexit says
  native.waitforexit()
  exit_waiters[co] = "released"
end

-- Have the threads that waited for the exit done what they do then?
local function exit_waiters_done()
  for co in pairs(exit_waiters) do
    if native.origin_of(co) then return false end -- it is a thread still
  end
  return true
end

-- The thread that is in a loop inside of the loop: that of the runtime's script, which may call `copas.loop` as it
-- would elsewhere.
internal.guest = nil

---Ends all threads but the caller's and those that wait for the exit, closes the sockets that they wait for, and exits.
function copas.cancelall()
  local me, sockets = native.running(), {}
  local host = native.stepping() and internal.script or internal.guest
  for _, co in ipairs(native.threads()) do
    if co ~= me and co ~= host and exit_waiters[co] ~= "waiting" then
      sockets[#sockets + 1] = native.awaited_socket(co)
      native.remove(co, true)
    end
  end
  for _, skt in ipairs(sockets) do pcall(copas.close, skt) end
  native.cancel_timeouts()
  copas.exit()
end

local step = copas.step

-- Steps until there is nothing left to do, twice: those who waited for the exit may have found something.
local function run(timeout)
  local interrupted = false
  repeat
    if copas.step == step and not interrupted then
      native.run(copas, step, timeout) -- many steps at once
    else
      copas.step(timeout)
    end
    if native.interrupted() then
      interrupted = true
      copas.exit()
    end
    local finished = copas.finished() or interrupted and exit_waiters_done()
    local over = finished and copas.exiting()
    if finished then copas.exit() end
    if over and internal.guest then
      over = false
      native.wakeup(internal.guest)
      native.guest_loops(false)
      internal.guest = nil
    end
  until over
end

-- Lets the other threads run until a loop would end.
local function run_others()
  internal.guest = native.running()
  native.guest_loops(true)
  repeat native.pauseforever() until not internal.guest
end

function copas.loop(init, timeout)
  local inside = internal.script and internal.script == native.running()
  native.reset_exit(inside) -- raises an error if the loop runs already
  if type(init) == "function" then
    copas.addnamedthread("copas_initializer", init)
  else
    timeout = init or timeout or nil
    if timeout ~= nil and type(timeout) ~= "number" then
      error(("%sexpected the timeout to be a number, got: %s"):format(native.where(), type(timeout)), 0)
    end
  end

  copas.running = true
  local ok, err = true, nil
  if inside then
    run_others()
  else
    ok, err = pcall(run, timeout)
  end
  copas.running = false
  if not ok then error(err, 0) end
end

-- The socket module of this program, if it has one: LuaSocket, or in the runtime the native one.
local function replace_try()
  local found, socket = pcall(require, "socket")
  if not found or type(socket) ~= "table" then return end
  if socket.gettime then copas.gettime = socket.gettime end
  foreign.datagram_size = socket._DATAGRAMSIZE or foreign.datagram_size
  local made_here = type(socket.newtry) == "function" and debug.getinfo(socket.newtry, "S").source == "=copas/try.lua"
  if made_here then return end -- in the native module, or by an earlier instance of this one
  for name, value in pairs(load("try", socket, internal.pcall, debug)) do socket[name] = value end
end
replace_try()

-- For programs that look for leaks: sockets and operations by coroutine. There are none: threads hold what they wait
-- for.
if rawget(_G, "_TEST") then
  for _, name in ipairs { "_socket_register", "_operation_register", "_timeout_flags" } do
    copas[name] = setmetatable({}, { __mode = "k" })
  end
end

local submodules = {
  ftp = true,
  future = true,
  http = true,
  lock = true,
  queue = true,
  semaphore = true,
  smtp = true,
  timer = true,
}

local metatable = {
  internal = internal, -- for the submodules and the runtime
  __call = function(_, ...) return copas.loop(...) end,
  __index = function(_, key)
    if not submodules[key] then return nil end
    local module = require("copas." .. key)
    rawset(copas, key, module)
    return module
  end,
}

return setmetatable(copas, metatable)
