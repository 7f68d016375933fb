-- One exchange of messages by HTTP/1.1: the object of copas.http.open. What is said, and what is understood, is in C++
-- (`core`); this moves the bytes. Failures are thrown as by socket.try.
local socket, core, internal = ...

local ltn12 = require("ltn12")
local canonic = require("socket.headers").canonic

local native = internal.native
local block_size = 64 * 1024

local connection = {}
connection.__index = connection

-- The native socket that a response can be received from directly: not if somebody looks over our shoulder.
local function native_stream(skt)
  if not internal.is_wrapper(skt) or not internal.receives_directly() then return nil end
  if rawget(skt, "receive") or rawget(skt, "receivepartial") then return nil end
  local raw = skt.socket
  return native.kind(raw) == "stream" and raw or nil
end

-- Receives what has arrived, up to a size: for objects that can do no more than `receive`, all of that size.
local function receive_some(skt, size)
  if not skt.receivepartial then return skt:receive(size) end
  local data, err, partial = skt:receivepartial(size)
  if data == nil and partial and partial ~= "" then return partial end
  return data, err, partial
end

-- Gives a reader what it wants next, by the methods that an object has: see `receive` of core.
local function ask(skt, reader)
  local event, line, headers = core.feed(reader)
  while event == false do
    local wanted = core.wanted(reader)
    local data, err, partial
    if wanted == "start" then
      data, err = skt:receive(5)
    elseif wanted == "line" then
      data, err = skt:receive("*l")
      if data then data = data .. "\r\n" end
    else
      data, err, partial = receive_some(skt, wanted == "anything" and block_size or math.min(wanted, block_size))
      if data == nil and partial and partial ~= "" then data = partial end
    end
    if data then
      event, line, headers = core.feed(reader, data)
    elseif err == "closed" then
      return core.finish(reader)
    else
      return nil, err
    end
  end
  return event, line, headers
end

-- Receives the next event of a response: see `receive` of core.
local function next_event(self)
  local raw = self.raw or native_stream(self.c)
  if not raw then return ask(self.c, self.reader) end
  local event, line, headers
  repeat event, line, headers = core.receive(raw, self.reader) until event ~= false
  return event, line, headers
end

---An exchange over a connection.
---@param request table  its fields `timeouts`, `ends` and `limits` count
function connection.over(skt, request)
  local self = setmetatable({ c = skt, request = request }, connection)
  self.try = socket.newtry(function() self:close() end)
  request.opened = self
  return self
end

---Begins another exchange over the same connection.
function connection:serve(request)
  self.request, request.opened = request, self
  self.reader, self.headers, self.ended, self.reused = nil, nil, nil, true
end

---Keeps nothing of the exchange that is over: its body may be large.
function connection:rest()
  self.request, self.headers = nil, nil
end

-- Sets the timeouts: those of the request, but no longer than the whole of it may take.
function connection:limit(waits)
  local limits, ends, skt = self.request.timeouts, self.request.ends, self.c
  if self.limited == limits and not ends and not waits then return end
  local connect, send, receive = limits.connect, limits.send, waits or limits.receive
  if ends then
    local left = ends - native.now()
    self.try(left > 0, "timeout")
    connect, send, receive = math.min(connect, left), math.min(send, left), math.min(receive, left)
  end
  self.limited = not ends and not waits and limits
  if skt.settimeouts then
    skt:settimeouts(connect, send, receive)
  else
    skt:settimeout(receive)
  end
end

---Connects.
---@param request table   with `host`, `port` and `timeouts`
---@param create fun(request: table): table?, string?
function connection.open(request, create)
  local self = connection.over(socket.try(create(request)), request)
  self:limit()
  self.try(self.c:connect(request.host, request.port or request.default_port))
  return self
end

local no_limits = {}

-- A reader for the answer to a method: that of the exchange before, if there was one.
local function reader_for(self, method)
  local limits = self.request.limits or no_limits
  local http09 = limits.http09 and not self.reused
  self.spare = core.reader(self.spare, method, http09, limits.decompress, limits.most_head, limits.most_body)
  return self.spare
end

function connection:sendrequestline(method, uri)
  self.method = method or "GET"
  local head = self.try(core.head(self.method, uri, {}, canonic))
  self:limit()
  return self.try(self.c:send(head:sub(1, -3)))
end

function connection:sendheaders(headers)
  local lines = self.try(core.lines(headers, canonic))
  self:limit()
  self.try(self.c:send(lines))
  return 1
end

---Request line and headers as they are sent; or nil and what is wrong with them.
function connection.head(method, uri, headers)
  return core.head(method, uri, headers, canonic)
end

---Sends request line and headers in one piece.
function connection:sendhead(method, head)
  self.method = method
  self:limit()
  self.try(self.c:send(head))
end

local function write_chunk(skt, chunk)
  if not chunk then return skt:send("0\r\n\r\n") end
  return skt:send(core.chunk(chunk))
end

-- Sends all that a source gives; nil and an error if that fails.
local function pump_out(self, headers, source, step)
  local skt = self.c
  local by_length = headers["content-length"]
  local function sink(chunk)
    if chunk == "" then return 1 end -- which would be the end
    if by_length and not chunk then return 1 end
    self:limit()
    if by_length then return skt:send(chunk) end
    return write_chunk(skt, chunk)
  end
  return ltn12.pump.all(source, sink, step or ltn12.pump.step)
end

function connection:sendbody(headers, source, step)
  return self.try(pump_out(self, headers, source, step))
end

---As sendbody, but a server that is gone may have said why.
function connection:offerbody(headers, source, step)
  local ok, err = pump_out(self, headers, source, step)
  self.cut_short = not ok and err == "closed"
  if not self.cut_short then self.try(ok, err) end
end

-- The head of the next response, which becomes the current one: code (0 of HTTP/0.9), status line and headers; or nil
-- and an error.
local function receive_head(self, waits)
  if not self.reader then
    self.reader = reader_for(self, self.method)
  elseif self.headers then
    core.feed(self.reader)
    core.restart(self.reader)
  end
  self.headers = nil
  self:limit(waits)
  local code, status, headers = next_event(self)
  if code then
    self.headers, self.ended = headers, false
  end
  return code, status, headers
end

---Receives the head of a response: code, status line, headers; the code is nil of HTTP/0.9.
function connection:receivehead()
  local code, status, headers = self.try(receive_head(self))
  if code == 0 then return nil, "", headers end
  return code, status, headers
end

---Waits a while for a head: nil if none came.
function connection:awaithead(seconds)
  local code, status, headers = receive_head(self, seconds)
  if not code and status == "timeout" then return nil end
  self.try(code, status)
  return code, status, headers
end

---The code and the status line; nil and the first bytes if that is not how the answer begins, which is HTTP/0.9 then.
function connection:receivestatusline()
  local code, status = self.try(receive_head(self))
  if code == 0 then return nil, core.feed(self.reader) end
  return code, status
end

function connection:receiveheaders()
  if not self.headers then self.try(receive_head(self)) end
  return self.headers
end

-- The source of the body of the current response, whose trailers join these headers.
local function body_source(self, headers)
  return function()
    if self.ended then return nil end
    self:limit()
    local piece, err = next_event(self)
    if piece then return piece end
    if err then return nil, err end
    self.ended = true
    if headers then core.trailers(self.reader, headers) end
    return nil
  end
end

local null = ltn12.sink.null()

-- Receives a body that nobody wants to see; nil and an error if that fails.
local function discard(self, headers)
  self:limit()
  local event, err
  repeat event, err = core.discard(self.raw, self.reader) until event ~= false
  if err then return nil, err end
  self.ended = true
  core.trailers(self.reader, headers)
  return 1
end

function connection:receivebody(headers, sink, step)
  local unseen = (sink == nil or sink == null) and not step
  if unseen and self.raw and not self.request.ends then return self.try(discard(self, headers)) end
  local source = body_source(self, headers)
  return self.try(ltn12.pump.all(source, sink or ltn12.sink.null(), step or ltn12.pump.step))
end

function connection:receive09body(status, sink, step)
  local source = ltn12.source.cat(ltn12.source.string(status), body_source(self))
  return self.try(ltn12.pump.all(source, sink or ltn12.sink.null(), step or ltn12.pump.step))
end

---Takes what has come of a body that nobody wants.
function connection:skim()
  local raw = self.raw or native_stream(self.c)
  while raw and raw:dirty() or core.wanted(self.reader) == nil do
    if not next_event(self) then return end
  end
end

---Has any byte of the answer come?
function connection:answered()
  return self.reader and core.begun(self.reader)
end

---The native connection, if another request can be sent over it.
function connection:reusable()
  if not self.reader or self.cut_short or not core.keeps(self.reader) then return nil end
  return self.raw or native_stream(self.c)
end

---From now on, nobody else has the connection.
function connection:own()
  self.raw = native_stream(self.c)
end

function connection:close()
  return self.c:close()
end

-- Whole sources and sinks for socket.source and socket.sink, callable as those of LuaSocket.
local function callable(skt, call)
  return setmetatable({
    getfd = function() return skt:getfd() end,
    dirty = function() return skt:dirty() end,
  }, { __call = call })
end

---Adds what LuaSocket's http module adds to the registries of sources and sinks.
function connection.register(module)
  module.sourcet["http-chunked"] = function(skt, headers)
    local limits = {}
    local self = setmetatable({ c = skt, reader = core.reader(nil, "GET"), limited = limits }, connection)
    self.request = { timeouts = limits } -- which are the socket's own
    core.feed(self.reader, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    local read = body_source(self, headers)
    return callable(skt, function() return read() end)
  end
  module.sinkt["http-chunked"] = function(skt)
    return callable(skt, function(_, chunk)
      if chunk == "" then return 1 end
      return write_chunk(skt, chunk)
    end)
  end
end

return connection
