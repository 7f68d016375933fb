---@meta copas.timer

-- What `require "copas.timer"` returns, and the field `timer` of the module.

---@class copas.timerlib
local timerlib = {}

---@class copas.timer.options
---@field delay number            seconds before each call; 0 or more
---@field callback fun(timer: copas.timer, params: any)  runs in a thread of its own, so it may wait
---@field recurring? boolean      call again and again? The next delay starts when the callback has returned
---@field initial_delay? number   seconds before the first call; default: `delay`
---@field params? any             second argument of the callback
---@field name? string            of the thread; default "copas_timer_N"
---@field errorhandler? copas.errorhandler  for errors in the callback; default: as for all threads

---Makes a timer and arms it. A recurring timer goes on after an error in its callback. An armed timer keeps the loop
---running.
---
---Throws "delay must be greater than or equal to 0" and "expected callback to be a function".
---@param opts copas.timer.options
---@return copas.timer
function timerlib.new(opts) end

---@class copas.timer
---@field name string
---@field delay number
---@field recurring boolean
---@field params? any
---@field cancelled boolean     was it cancelled, and not armed since?
---@field errorhandler copas.errorhandler?
---@field callback function
---@field co thread?            its thread, while it is armed
---@field private waiting boolean
local timer = {}

---Arms the timer again, after it expired or was cancelled. A one-shot timer is disarmed before its callback runs, so
---the callback may do this.
---@param initial_delay? number  seconds before the first call; default: the timer's delay
---@return copas.timer? timer
---@return "already armed"? err
function timer:arm(initial_delay) end

---Disarms the timer. A callback that is running, or waiting, still finishes; only then may the loop end.
---@return copas.timer? timer
---@return "not armed"? err
function timer:cancel() end

return timerlib
