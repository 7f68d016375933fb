-- Operations on objects that are no native sockets: those of LuaSocket and LuaSec, proxies, and whatever else has the
-- methods. Their own methods are called, without blocking, and the thread waits for their descriptor in between; so it
-- does not matter what they buffer. The functions are put into the table `foreign` when one of them is needed first.
local native, foreign = ...

local limits = setmetatable({}, { __mode = "k" }) -- timeouts by object, in seconds

-- A wait is repeated after this time even if nothing was heard: the object may have been closed behind our back.
local patience = 120

-- An object that waits without a descriptor is asked again after this time.
local poll_interval = 0.01

local side_for = { wantread = "read", wantwrite = "write" }

local function must_wait(err)
  return err == "timeout" or err == "wantread" or err == "wantwrite"
end

-- Until when an operation may take that begins now. What the thread has sent elsewhere and is held back leaves before.
local function begin(skt, operation)
  native.flush()
  local limit = limits[skt] and limits[skt][operation]
  return limit and limit > 0 and native.now() + limit or nil
end

-- Waits until `skt` may be ready; false if the deadline passed first. Who was woken by an event, and got nothing, keeps
-- its place in the line: the second result is the side of the event, to be given to the next wait as `turn`.
local function wait(skt, err, side, deadline, turn)
  local left = patience
  if deadline then
    left = deadline - native.now()
    if left <= 0 then return false end
  end
  local fd = skt:getfd()
  if not fd or fd < 0 then
    native.pause(math.min(left, poll_interval))
    return true
  end
  side = side_for[err] or side
  local ready, why = native.wait(fd, side, math.min(left, patience), skt, deadline ~= nil, turn == side)
  return ready or why ~= "timeout" or not deadline or left > patience, ready and side
end

-- Would it overtake somebody to send at once?
local function others_send(skt)
  local fd = skt.getfd and skt:getfd()
  return fd and fd >= 0 and not native.vacant(fd, "write")
end

-- What never waits must not keep others from running.
local function let_others_run()
  if not native.spend() then native.pause() end
end

-- Others that wait for this object hear nothing of what it has in its buffer now.
local function tell_of_bytes(skt)
  if native.anybody_reads() and skt.dirty and skt:dirty() and skt.getfd then native.buffered(skt:getfd()) end
end

function foreign.set_limits(skt, connect, send, receive)
  local mine = limits[skt]
  if not mine then
    mine = {}
    limits[skt] = mine
  end
  local function change(name, value)
    if value == nil then return end
    mine[name] = value >= 0 and value < math.huge and value or nil
  end
  change("connect", connect)
  change("send", send)
  change("receive", receive)
end

---Gives one object the timeouts of another.
function foreign.inherit_limits(skt, from)
  local given = limits[from]
  if given then limits[skt] = { connect = given.connect, send = given.send, receive = given.receive } end
end

---Its timeouts for connect, send and receive; -1 is none.
function foreign.limits(skt)
  local mine = limits[skt] or {}
  return mine.connect or -1, mine.send or -1, mine.receive or -1
end

function foreign.receive_limit(skt)
  return limits[skt] and limits[skt].receive
end

-- The error of an operation whose time is over; they differ in TLS and in connect.
local function timeout_error(err)
  native.timed_out(true)
  return native.own_words() and err or "timeout"
end

---Is it for datagrams? Objects say so by their text or, if that says nothing, by what they can do.
function foreign.is_datagram(skt)
  local text = tostring(skt)
  if text:find("^udp") or text:find("^unixdgram") then return true end
  if text:find("^tcp") or text:find("^SSL") or text:find("^unixstream") then return false end
  return skt.receivefrom ~= nil
end

-- Has it lost its descriptor?
local function is_closed(skt)
  local fd = skt.getfd and skt:getfd()
  return fd and fd < 0
end

-- LuaSocket's sockets for datagrams give empty ones, or other errors, when they are closed.
local function is_closed_datagram(skt)
  return foreign.is_datagram(skt) and is_closed(skt)
end

-- Connections of LuaSec that have failed. LuaSec itself does not remember: receiving again may go on for ever, and
-- shaking hands again may seem to succeed.
local failed = setmetatable({}, { __mode = "k" })

local function note_failure(skt, err)
  if err and err ~= "closed" and not must_wait(err) and tostring(skt):sub(1, 3) == "SSL" then failed[skt] = true end
end

local function length(text)
  return text and #tostring(text) or 0
end

-- Ends a protected call of a method. An error says where the program made the call, and not this file.
local function pass_on(ok, ...)
  if ok then return ... end
  local err = ...
  if type(err) == "string" then err = err:gsub("^copas/foreign%.lua:%d+: ", native.where) end
  error(err, 0)
end

-- Ends one in which a blocking object did not block: its timeout for the whole of an operation is as it was.
local function block_again(skt, block, ...)
  skt:settimeout(block)
  return pass_on(...)
end

-- Is the time over for an object whose last call got nothing? The methods of wrappers, and of what passes calls on to
-- them, wait themselves: they mean it.
local function is_over(skt)
  return type(skt) ~= "userdata" and native.timed_out()
end

-- Calls of methods, in which Lua knows their names for its errors of arguments.
local methods = {
  receive = function(skt, ...)
    local data, err, partial = skt:receive(...)
    return data, err, partial
  end,
  receivefrom = function(skt, ...)
    local data, ip, port = skt:receivefrom(...)
    return data, ip, port
  end,
  send = function(skt, ...)
    local sent, err, last = skt:send(...)
    return sent, err, last
  end,
  connect = function(skt, ...)
    local ok, err = skt:connect(...)
    return ok, err
  end,
}

-- Calls a method. An object in blocking mode, as LuaSocket's `connect` makes them, would keep all threads from
-- running, so it is in non-blocking mode during the call.
local function call(skt, name, ...)
  if skt[name] == nil then
    error(("%sexpected arg #1 to have a method '%s'"):format(native.where(), name), 0)
  end
  local method = methods[name]
  if type(skt) ~= "userdata" then
    native.timed_out() -- forgets what was before
    return method(skt, ...)
  end
  if not skt.gettimeout then return method(skt, ...) end -- LuaSec's, or one that may wait itself
  local block, total = skt:gettimeout()
  if block == 0 or total == 0 then return pass_on(foreign.pcall(method, skt, ...)) end
  skt:settimeout(0)
  return block_again(skt, block, foreign.pcall(method, skt, ...))
end

-- Was the end what `pattern` waits for, though the last call, which got nothing but the end, took it for a failure? One
-- that got more as well knows better: the connection was reset.
local function is_all(pattern, err, partial, prefix, given)
  if err ~= "closed" or type(pattern) ~= "string" or pattern:sub(1, 2) ~= "*a" then return false end
  return length(prefix) > length(given) and length(partial) <= length(prefix)
end

local function receive(skt, pattern, prefix, enough)
  if failed[skt] then return nil, "closed", prefix or "" end
  local given = prefix
  local deadline = begin(skt, "receive")
  local in_time, turn = true, nil
  while true do
    local data, err, partial = call(skt, "receive", pattern, prefix)
    if data == "" and is_closed_datagram(skt) then data, err = nil, "closed" end
    if data or not must_wait(err) or enough(partial) or is_over(skt) then
      tell_of_bytes(skt)
      let_others_run()
      if not data and is_all(pattern, err, partial, prefix, given) then return prefix, nil, nil end
      if not data then note_failure(skt, err) end
      return data, err, partial
    end
    if not in_time then return nil, timeout_error(err), partial end
    if length(partial) > length(prefix) then turn = nil end
    in_time, turn = wait(skt, err, "read", deadline, turn)
    prefix = partial
  end
end

local function never() return false end

function foreign.receive(skt, pattern, prefix)
  foreign.check(skt, 1)
  return receive(skt, pattern or "*l", prefix, never)
end

function foreign.receivepartial(skt, pattern, prefix)
  foreign.check(skt, 1)
  local given = length(prefix)
  return receive(skt, pattern or "*l", prefix, function(partial) return length(partial) > given end)
end

function foreign.receivefrom(skt, size)
  foreign.check(skt, 1)
  local deadline = begin(skt, "receive")
  local in_time, turn = true, nil
  size = size or foreign.datagram_size
  while true do
    local data, ip, port = call(skt, "receivefrom", size)
    if (not data or data == "") and is_closed_datagram(skt) then data, ip, port = nil, "closed", nil end
    if data or not must_wait(ip) or is_over(skt) then
      let_others_run()
      return data, ip, port
    end
    if not in_time then return nil, timeout_error(ip), nil end
    in_time, turn = wait(skt, ip, "read", deadline, turn)
  end
end

-- The index that `i` means, which counts from the end if it is negative.
local function first_of(data, i)
  if type(i) ~= "number" then return i or 1 end
  return math.max(i < 0 and length(data) + i + 1 or i, 1)
end

function foreign.send(skt, data, i, j)
  foreign.check(skt, 1)
  local deadline = begin(skt, "send")
  local in_time, turn = true, nil -- which it keeps when it got rid of a part, so that messages are not mixed
  i = first_of(data, i)
  if failed[skt] then return nil, "closed", i - 1 end
  if others_send(skt) then
    in_time, turn = wait(skt, "timeout", "write", deadline)
    if not in_time and others_send(skt) then return nil, "timeout", i - 1 end
  end
  while true do
    local sent, err, last = call(skt, "send", data, i, j)
    if sent or not must_wait(err) or is_over(skt) then
      let_others_run()
      if not sent then note_failure(skt, err) end
      return sent, err, last
    end
    if not in_time then return nil, timeout_error(err), last end
    in_time, turn = wait(skt, err, "write", deadline, turn)
    if last then i = last + 1 end
  end
end

-- Is it one of LuaSocket's own sockets? Those block while they look a name up, so they are given addresses; whatever
-- else has the methods may want the name.
local function takes_addresses(skt)
  return type(skt) == "userdata" and tostring(skt):sub(1, 3) == "tcp" and skt.setfd ~= nil
end

local function connect_to(skt, host, port, deadline)
  if skt.connect == nil then return skt:connect(host, port) end -- Lua's own error
  local in_time, tried = true, false
  while true do
    if tried and is_closed(skt) then return nil, "closed", true end -- to connect again would open it anew
    local ok, err = call(skt, "connect", host, port)
    if ok then return ok, err end
    if err == "already connected" and tried then return 1, nil end
    local in_progress = err == "timeout" or err == "Operation already in progress"
    if not in_progress or is_over(skt) then return nil, err, in_progress end
    if not in_time then return nil, timeout_error(err), true end
    tried = true
    in_time = wait(skt, err, "write", deadline)
  end
end

local function seconds_left(deadline)
  return deadline and math.max(deadline - native.now(), 0.000001)
end

local of_any_family = setmetatable({}, { __mode = "k" }) -- sockets whose family is that of an address they tried

-- The family that one of LuaSocket's sockets has kept to since it was made or bound; nil if it may have any.
local function family_of(skt)
  if of_any_family[skt] or is_closed(skt) then
    of_any_family[skt] = true
    return nil
  end
  local _, _, family = skt:getsockname()
  return family
end

-- Such a socket stays with the family of the first address it tried. It gets the descriptor of one of ours that is
-- connected to an address of the other.
local function connect_by_another(skt, host, port, deadline)
  local other = require("copas.socket").tcp()
  native.set_limits(other, seconds_left(deadline) or -1)
  local ok, err = native.connect(other, host, port)
  if not ok then
    other:close()
    return nil, err, err == "timeout"
  end
  skt:close()
  skt:setfd(other:getfd())
  other:setfd(-1)
  return 1, nil
end

local function connect_to_any(skt, host, port, deadline)
  local addresses, why = native.addresses(host, nil, seconds_left(deadline))
  if not addresses then return nil, why end
  local family, first = family_of(skt), addresses[1].family
  local ok, err, too_late
  for _, address in ipairs(addresses) do
    if not family or address.family == family then
      local connect = address.family == (family or first) and connect_to or connect_by_another
      ok, err, too_late = connect(skt, address.addr, port, deadline)
      if ok or too_late or err == "already connected" then return ok, err end
    end
  end
  if not err then ok, err = connect_to(skt, addresses[1].addr, port, deadline) end -- LuaSocket's own words
  return ok, err
end

function foreign.connect(skt, host, port)
  skt:settimeout(0)
  local deadline = begin(skt, "connect")
  local names_a_host = type(host) == "string" or type(host) == "number"
  if names_a_host and takes_addresses(skt) then return connect_to_any(skt, host, port, deadline) end
  local ok, err = connect_to(skt, host, port, deadline)
  return ok, err
end

---Shakes hands by a connection of another library: true; nil and a word if the time is over; false and the reason.
function foreign.shake_hands(connection)
  if not is_closed(connection) then connection:settimeout(0) end
  local deadline = begin(connection, "connect")
  local in_time = true
  while true do
    if failed[connection] or is_closed(connection) then return false, "closed" end -- LuaSec ends the process then
    local ok, err = connection:dohandshake()
    if ok then return true end
    if not must_wait(err) then
      note_failure(connection, err)
      return false, err
    end
    if not in_time then return nil, timeout_error(err) end
    in_time = wait(connection, err, "read", deadline)
  end
end

local resting = setmetatable({}, { __mode = "k" }) -- the threads of servers that found no descriptor free

---The next connection of a listening object; nil and an error once there can be none.
---@param later boolean  whether not to accept before the next step
function foreign.accept(skt, later)
  if later then wait(skt, "timeout", "read") end
  while true do
    local client, err = skt:accept()
    if client then return client end
    local fd = skt:getfd()
    if not fd or fd < 0 then return nil, "closed" end
    if err == "timeout" then
      wait(skt, err, "read")
    else
      local co = native.running()
      resting[co] = true
      native.pause(1) -- descriptors have run out, most likely
      resting[co] = nil
    end
  end
end

-- Servers that rest may go on: a descriptor has become free.
local function wake_resting(...)
  for co in pairs(resting) do native.wakeup(co) end
  return ...
end

---Closes an object, after telling those who wait for it.
function foreign.close(skt, ...)
  local fd = skt.getfd and skt:getfd()
  if fd and fd >= 0 then native.closing(fd) end
  return wake_resting(skt:close(...))
end

return foreign
