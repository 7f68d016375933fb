-- A server with TLS and its clients, in threads of one scheduler.
local certificates = require("support.certificates")
local loop = require("support.loop")
local sockets = require("support.sockets")

local socket = require("copas.socket")

local pcall = require("support.pcall")

---@class secured
---@field made table    certificates
---@field params table  TLS parameters of a server, which is called localhost
---@field copas table   the scheduler, new for each test
---@field server table  its listening socket
---@field port integer  where that listens
local secured = {}
secured.__index = secured

---Makes the certificates for all tests of a file, also those of hosts whose names begin so and end in .test; `remove`
---takes them away.
function secured.new(...)
  local made = certificates.new()
  for _, name in ipairs { ... } do made:sign(name, name .. ".test") end
  return setmetatable({ made = made, params = made:sign("server", "localhost") }, secured)
end

---What tests use: `made`, `params`, and `run` and `connect` as functions.
function secured:unpack()
  return self.made, self.params, function(...) return self:run(...) end, function(...) return self:connect(...) end
end

function secured:remove() self.made:remove() end

---Gives a test its scheduler and its listening socket, which `stop` closes.
---@return table copas, integer port, table server
function secured:start()
  self.copas = loop.fresh()
  self.server, self.port = sockets.listen(socket)
  return self.copas, self.port, self.server
end

function secured:stop() self.server:close() end

---Takes another listening socket instead.
function secured:listen_on(server)
  self.server:close()
  self.server, self.port = server, select(2, server:getsockname())
end

---Serves one kind of connections, runs a client, and ends.
---@return table  what the server's threads report: the text of each error, and its socket
function secured:run(handler, params, client)
  local copas = self.copas
  local failures = {}
  copas.addserver(self.server, copas.handler(function(...)
    return handler(...)
  end, params))
  copas.seterrorhandler(function(err, _, skt)
    failures[#failures + 1] = { text = tostring(err), socket = skt }
  end, true)
  local ok, err
  copas.addthread(function()
    ok, err = pcall(client)
    copas.removeserver(self.server)
  end)
  copas.loop()
  if not ok then error(err, 0) end
  return failures
end

---Connects to the server, in a thread.
---@param params table?  TLS parameters; by default those of a client that trusts the authority
---@param sni string?    the name to ask for
---@return table         the wrapped socket, and what its `connect` has returned
function secured:connect(params, sni)
  local skt = self.copas.wrap(socket.tcp(), { wrap = params or self.made:client(), sni = sni and { names = sni } })
  return skt, skt:connect("127.0.0.1", self.port)
end

---A port behind which bytes pass to the server and back until a function is called, which ends both connections in the
---middle.
---@param ahead string?  goes first, in one piece with the first bytes
---@return integer port, function cut
function secured:relay(ahead)
  local copas = self.copas
  local front, front_port = sockets.listen(socket)
  local ends = {}
  local function pass(from, to, before)
    while true do
      local data, err, part = copas.receivepartial(from, "*a")
      part = data or part or ""
      if part ~= "" then copas.send(to, before .. part) end
      if part ~= "" then before = "" end
      if data or err == "closed" then return copas.close(to) end
    end
  end
  copas.addserver(front, function(near)
    local far = socket.tcp()
    assert(copas.connect(far, "127.0.0.1", self.port))
    ends = { near, far }
    copas.addthread(pass, far, near, "")
    pass(near, far, ahead or "")
  end)
  return front_port, function()
    copas.removeserver(front)
    for _, each in ipairs(ends) do copas.close(each) end
  end
end

---A handler that sends each line back.
function secured.echo(skt)
  while true do
    local line = skt:receive()
    if not line then return end
    skt:send(line .. "\n")
  end
end

return secured
