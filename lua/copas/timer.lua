-- copas.timer: calls a function after a delay, once or again and again, in a thread of its own.
local copas, internal = ...
local native = internal.native

local timer = {}
timer.__index = timer

local count = 0

local function check_delay(delay)
  local valid = type(delay) == "number" and delay >= 0
  if not valid then error("delay must be greater than or equal to 0", 3) end
end

local start

-- The life of a timer's thread. It goes on as long as it is the one that armed the timer last, and nobody cancelled. In
-- place of one that has failed, it has the error handler that that had.
local function run(self, delay, failed)
  local me = native.running()
  if self.co ~= me then return end -- arming has failed, for lack of memory
  if failed then
    internal.inherit_handler(me, failed)
  elseif self.errorhandler then
    copas.seterrorhandler(self.errorhandler)
  end
  repeat
    self.waiting = true
    copas.pause(delay)
    self.waiting = false
    if not self.recurring then
      self.co, self.cancelled = false, true
    end
    self.callback(self, self.params)
    delay = self.delay
  until self.co ~= me
end

function start(self, delay, failed)
  self.cancelled = false
  self.waiting = true
  local name = failed and copas.getthreadname(failed) or self.name
  local co = copas.addnamedthread(name, run, self, delay, failed)
  internal.owners[co] = self
  self.co = co
end

-- An error ends the thread, but not a timer that recurs.
internal.at_failure[timer] = function(self, co)
  if self.co ~= co then return end
  self.co = false -- if there is no other thread to be had, it is not armed
  start(self, self.delay, co)
end

---Arms the timer again, after it expired or was cancelled.
---@param initial_delay number?  seconds before the first call; the timer's delay if it is not given
---@return table? timer
---@return string? err  "already armed"
function timer:arm(initial_delay)
  check_delay(initial_delay or self.delay)
  if self.co then return nil, "already armed" end
  start(self, initial_delay or self.delay)
  return self
end

---Disarms the timer. A callback that is running, or waiting, still finishes.
---@return table? timer
---@return string? err  "not armed"
function timer:cancel()
  local co = self.co
  if not co then return nil, "not armed" end
  self.co = false
  self.cancelled = true
  if self.waiting then copas.removethread(co) end
  return self
end

---Makes a timer and arms it.
---@param opts { delay: number, callback: fun(timer: table, params: any), recurring: boolean?, initial_delay: number?,
---  params: any, name: string?, errorhandler: fun(err: any, co: thread, skt: any)? }  delays in seconds
local function new(opts)
  check_delay(opts.delay)
  if opts.initial_delay ~= nil then check_delay(opts.initial_delay) end
  if type(opts.callback) ~= "function" then error("expected callback to be a function", 2) end

  count = count + 1
  local self = setmetatable({
    name = opts.name or "copas_timer_" .. count,
    delay = opts.delay,
    recurring = not not opts.recurring,
    params = opts.params,
    callback = opts.callback,
    errorhandler = opts.errorhandler,
    cancelled = false,
    waiting = false,
    co = false, -- the thread; a field that exists is set without memory
  }, timer)
  return self:arm(opts.initial_delay)
end

return { new = new }
