-- Error handlers, and the text of an error.
local copas, internal = ...
local native, debug = internal.native, internal.debug

local handlers = setmetatable({}, { __mode = "k" }) -- by coroutine
local default
local tasks = setmetatable({}, { __mode = "k" }) -- C++ tasks that failed, by the dead coroutines that stand for them

local function name_of(object, get)
  if object == nil then return "nil" end
  return get(object)
end

function copas.gettraceback(msg, co, skt)
  local text = msg == nil and "" or tostring(msg)
  if text ~= "" then text = text .. " " end
  text = ("%s(coroutine: %s, socket: %s)"):format(text, name_of(co, copas.getthreadname),
                                                  name_of(skt, copas.getsocketname))
  if co == nil then
    local trace = debug.traceback()(text, 2) -- no tail call, which would hide the caller
    return trace
  end

  local task = tasks[co]
  local trace = task and task.trace ~= "" and text .. "\n" .. task.trace or debug.traceback()(co, text)
  local origin = task and task.origin or native.origin_of(co)
  local wait, waits
  if task then
    wait = task.wait
  else
    wait, waits = native.last_wait_of(co)
  end
  if wait and wait ~= "" then trace = ("%s\n\t%s: %s"):format(trace, waits and "waits" or "waited last", wait) end
  if origin and origin ~= "" then trace = trace .. "\n\tstarted at " .. origin end
  return trace
end

local function print_traceback(err, co, skt)
  print(copas.gettraceback(err, co, skt))
end

function copas.seterrorhandler(handler, is_default)
  if is_default then
    if type(handler) ~= "function" then error("Expected the handler to be a function when setting the default", 2) end
    default = handler
  else
    if handler ~= nil and type(handler) ~= "function" then
      error("Expected the handler to be a function, or nil", 2)
    end
    handlers[native.running()] = handler
  end
end
copas.setErrorHandler = copas.seterrorhandler -- the older spelling

function copas.geterrorhandler(co)
  return handlers[co or native.running()] or default
end

---Gives a thread the error handler that another has.
function internal.inherit_handler(co, from) handlers[co] = handlers[from] end

default = print_traceback

-- Objects by the coroutines that run for them, and, by the metatables of the objects, what to do when such a thread
-- fails: a function that gets object, coroutine and error, and returns true if no handler need know. The coroutine
-- keeps its object alive; Lua 5.1, if the table did, would never free either.
internal.owners = setmetatable({}, { __mode = "kv" })
internal.at_failure = {}

---Does what belongs to a new thread. If that fails, for lack of memory, there is no thread either.
---@param action fun(...)
function internal.complete(co, action, ...)
  local ok, err = pcall(action, ...)
  if ok then return end
  native.remove(co)
  error(err, 0)
end

local function note_task(co, name, origin, trace, wait)
  tasks[co] = { origin = origin, trace = trace, wait = wait }
  copas.setthreadname(name ~= "" and name or "C++ task", co)
end

---Tells the error handler of a thread.
function internal.report(err, co, skt)
  if co then internal.keep_name(co) end
  local ok, failure = pcall(handlers[co] or default, err, co, skt)
  if not ok then print("Failed executing error handler: " .. tostring(failure)) end
end

native.on("error", function(err, co, skt, task_name, ...) -- origin, trace and last wait of a C++ task
  if task_name then note_task(co, task_name, ...) end
  local owner = internal.owners[co]
  if owner then
    local ok, done = pcall(internal.at_failure[getmetatable(owner)], owner, co, err)
    if ok and done then return end
    if not ok then internal.report(done, co, skt) end -- there was not even memory for that
  end
  internal.report(err, co, skt)
end)
