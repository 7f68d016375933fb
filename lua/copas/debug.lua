-- copas.debug: logs what threads do, and the calls of a socket's methods.
local copas, internal = ...
local native, foreign = internal.native, internal.foreign

local debug = {}

-- The line for an event of a thread, which waits, or waited, for `skt` or until `seconds` from now.
local function describe(event, name, wait, skt, seconds)
  local on_socket = skt ~= nil and (wait == "read" or wait == "write")
  if event == "exit" then return ("exiting '%s'"):format(name) end
  if event == "resume" then
    if not on_socket then return ("resuming '%s'"):format(name) end
    return ("resuming '%s' for socket '%s'"):format(name, copas.getsocketname(skt))
  end
  if on_socket then return ("yielding '%s' to %s on '%s'"):format(name, wait:upper(), copas.getsocketname(skt)) end
  if seconds == math.huge then return ("yielding '%s' to SLEEP forever"):format(name) end
  return ("yielding '%s' to SLEEP for %.6g seconds"):format(name, math.max(seconds, 0))
end

---Logs each time a thread is resumed, waits or ends, as one line, until `stop`.
---@param logger fun(...)?  what gets the lines; `print` if it is not given
---@param core boolean?  log also the threads of timeouts
function debug.start(logger, core)
  logger = logger or print
  if type(logger) ~= "function" then error(native.where() .. "expected logger (1st argument) to be a function", 0) end
  native.on("trace", function(event, co, wait, skt, seconds)
    if native.origin_of(co) == "copas.timeout" and not core then return end
    logger(describe(event, copas.getthreadname(co), wait, skt, seconds))
  end)
  native.trace(true)
end

function debug.stop()
  native.trace(false)
end

local longest_text = 30

local function show(value)
  if type(value) ~= "string" then return tostring(value) end
  if #value > longest_text then value = value:sub(1, longest_text) .. "..." end
  return ("%q"):format(value)
end

local function list(first, ...)
  local lines = { first }
  for index = 1, select("#", ...) do
    lines[#lines + 1] = ("\t%d: %s"):format(index, show((select(index, ...))))
  end
  return table.concat(lines, "\n")
end

local calls = 0

-- A method that calls that of the original socket and prints what goes in and out.
local function printing(original, name)
  local method = original[name]
  if type(method) ~= "function" then return method end

  local function print_results(id, ...)
    print(list(("%d-results '%s' returned; "):format(id, name), ...))
    return ...
  end
  return function(_, ...)
    calls = calls + 1
    local id = calls
    print(list(("%d-calling '%s' with; "):format(id, name), ...))
    return print_results(id, method(original, ...))
  end
end

local function proxy(original)
  return setmetatable({ __original_socket = original }, {
    __tostring = function() return tostring(original) end,
    __index = function(_, name) return printing(original, name) end,
  })
end

---Makes a proxy of a socket that prints each call of its methods.
---@param skt any  a raw socket, or a wrapper, which then uses the proxy
---@return any socket  the proxy, or the wrapper
function debug.socket(skt)
  if internal.is_wrapper(skt) then
    skt.socket = debug.socket(skt.socket)
    return skt
  end
  if type(skt) == "table" and rawget(skt, "__original_socket") ~= nil then return skt end
  foreign.check(skt, 1)
  return proxy(skt)
end

return debug
