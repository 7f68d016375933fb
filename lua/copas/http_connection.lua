-- One exchange of messages by HTTP/1.1: the object of copas.http.open. What is received is parsed strictly (RFC 9112),
-- and a message whose end is in doubt is an error. Failures are thrown as by socket.try.
local socket, step_by_step = ...

local ltn12 = require("ltn12")
local canonic = require("socket.headers").canonic

local most_header_bytes = 256 * 1024
local block_size = 64 * 1024

local connection = {}
connection.__index = connection

-- Receives what has arrived, up to a size: for objects that can do no more than `receive`, all of that size.
local function receive_some(skt, size)
  if not skt.receivepartial then return skt:receive(size) end
  local data, err, partial = skt:receivepartial(size)
  if data == nil and partial and partial ~= "" then return partial end
  return data, err, partial
end

local function read_header_lines(skt, headers)
  local total, name, value = 0, nil, nil
  local function keep()
    if name then headers[name] = headers[name] and headers[name] .. ", " .. value or value end
  end
  while true do
    local line, err = skt:receive()
    if not line then return nil, err end
    total = total + #line
    if total > most_header_bytes then return nil, "response headers too large" end
    if line == "" then break end
    if line:find("^[ \t]") and name then
      value = value .. line
    else
      keep()
      name, value = line:match("^([%w!#$%%&'*+.^_`|~-]+):[ \t]*(.-)[ \t]*$")
      if not name then return nil, "malformed reponse headers" end
      name = name:lower()
    end
  end
  keep()
  return headers
end

-- Sources of bodies, by how their end is known.

local function chunked(skt, headers)
  local ended = false
  return function()
    if ended then return nil end
    local line, err = skt:receive()
    if not line then return nil, err end
    local size = line:match("^(%x+)[ \t]*$") or line:match("^(%x+)[ \t]*;")
    size = size and #size <= 13 and tonumber(size, 16)
    if not size then return nil, "invalid chunk size" end
    if size == 0 then
      ended = true
      local done
      done, err = read_header_lines(skt, headers or {})
      if not done then return nil, err end
      return nil
    end
    local chunk
    chunk, err = skt:receive(size)
    if not chunk then return nil, err end
    line, err = skt:receive()
    if not line then return nil, err end
    if line ~= "" then return nil, "invalid chunk size" end
    return chunk
  end
end

local function counted(skt, length)
  return function()
    if length <= 0 then return nil end
    local chunk, err = receive_some(skt, math.min(block_size, length))
    if not chunk then return nil, err end
    length = length - #chunk
    return chunk
  end
end

local function until_closed(skt)
  local ended = false
  return function()
    if ended then return nil end
    local chunk, err, partial = receive_some(skt, block_size)
    if chunk then return chunk end
    if err ~= "closed" then return nil, err end
    ended = true
    return partial ~= "" and partial or nil
  end
end

-- Whole sources and sinks for socket.source and socket.sink, callable as those of LuaSocket.
local function callable(skt, call)
  return setmetatable({
    getfd = function() return skt:getfd() end,
    dirty = function() return skt:dirty() end,
  }, { __call = call })
end

local function write_chunk(skt, chunk)
  if not chunk then return skt:send("0\r\n\r\n") end
  return skt:send(("%X\r\n%s\r\n"):format(#chunk, chunk))
end

---Adds what LuaSocket's http module adds to the registries of sources and sinks.
function connection.register(module)
  module.sourcet["http-chunked"] = function(skt, headers)
    local read = chunked(skt, headers)
    return callable(skt, function() return read() end)
  end
  module.sinkt["http-chunked"] = function(skt)
    return callable(skt, function(_, chunk) return write_chunk(skt, chunk) end)
  end
end

---Connects.
---@param request table   with `host`, `port` and `timeouts`
---@param create fun(request: table): table?, string?
function connection.open(request, create)
  local skt = socket.try(create(request))
  local self = setmetatable({ c = skt }, connection)
  self.try = socket.newtry(function() self:close() end)
  request.opened = self
  local limits = request.timeouts
  if skt.settimeouts then
    skt:settimeouts(limits.connect, limits.send, limits.receive)
  else
    skt:settimeout(limits.receive)
  end
  self.try(skt:connect(request.host, request.port or request.default_port))
  return self
end

function connection:sendrequestline(method, uri)
  return self.try(self.c:send(("%s %s HTTP/1.1\r\n"):format(method or "GET", uri)))
end

local function header_lines(headers)
  local lines = {}
  for name, value in pairs(headers) do lines[#lines + 1] = (canonic[name] or name) .. ": " .. value .. "\r\n" end
  return table.concat(lines) .. "\r\n"
end

function connection:sendheaders(headers)
  self.try(self.c:send(header_lines(headers)))
  return 1
end

---Sends request line and headers in one piece.
function connection:sendhead(method, uri, headers)
  self.try(self.c:send(("%s %s HTTP/1.1\r\n%s"):format(method or "GET", uri, header_lines(headers))))
end

function connection:sendbody(headers, source, step)
  local skt = self.c
  local sink
  if headers["content-length"] then
    sink = function(chunk) return not chunk or chunk == "" or skt:send(chunk) end
  else
    sink = function(chunk)
      if chunk == "" then return 1 end -- which would be the end
      return write_chunk(skt, chunk)
    end
  end
  return self.try(ltn12.pump.all(source, sink, step or step_by_step))
end

---The code and the status line; nil and the first bytes if that is not how the answer begins, which is HTTP/0.9 then.
function connection:receivestatusline()
  local status = self.try(self.c:receive(5))
  if status ~= "HTTP/" then return nil, status end
  status = self.try(self.c:receive("*l", status))
  local code = status:match("^HTTP/%d*%.%d* (%d%d%d)")
  return self.try(code and tonumber(code), status), status
end

function connection:receiveheaders()
  return self.try(read_header_lines(self.c, {}))
end

-- The source of a body; nil and an error if its length is in doubt.
local function body_source(skt, headers)
  local length, coding = headers["content-length"], headers["transfer-encoding"]
  if coding and coding:lower() ~= "identity" then
    if coding:lower() ~= "chunked" then return nil, ("unsupported transfer-encoding '%s'"):format(coding) end
    if length then return nil, "both content-length and transfer-encoding" end
    return chunked(skt, headers)
  end
  if not length then return until_closed(skt) end
  local first = length:match("^(%d+)")
  for each in (length .. ","):gmatch("[ \t]*(.-)[ \t]*,") do -- equal ones count as one
    if each ~= first or #each > 15 then return nil, ("invalid content-length '%s'"):format(length) end
  end
  return counted(skt, tonumber(first))
end

function connection:receivebody(headers, sink, step)
  local source = self.try(body_source(self.c, headers))
  return self.try(ltn12.pump.all(source, sink or ltn12.sink.null(), step or step_by_step))
end

function connection:receive09body(status, sink, step)
  local source = ltn12.source.cat(ltn12.source.string(status), until_closed(self.c))
  return self.try(ltn12.pump.all(source, sink or ltn12.sink.null(), step or step_by_step))
end

function connection:close()
  return self.c:close()
end

return connection
