-- Connections that copas.http uses again as long as nothing is said about it.
local loop = require("support.loop")
local sockets = require("support.sockets")
local web = require("support.web")

local socket = require("copas.socket")

local ok = web.ok

describe("copas.http, told nothing about connections,", function()
  local copas, http

  before_each(function()
    copas = loop.fresh()
    http = require("copas.http")
  end)

  local function with(...) return web.with_keeping(copas, http, ...) end

  -- A server that the loop does not know as one of its own, such as that of another program: it answers one request
  -- of each connection, or as many as there are, and waits for the end.
  local function another(answer, answers_all)
    local server, port = sockets.listen(socket)
    server:settimeout(0)
    local self = { url = "http://127.0.0.1:" .. port, requests = {}, connections = 0 }
    local function serve(skt)
      self.connections = self.connections + 1
      repeat
        local request = web.read(skt)
        if request.line then
          self.requests[#self.requests + 1] = request
          skt:send(answer)
        end
      until not request.line or not answers_all
      skt:receive("*a")
      skt:close()
    end
    local thread = copas.addthread(function()
      while true do
        local skt = server:accept()
        if skt then copas.addthread(serve, copas.wrap(skt)) end
        copas.pause(0.001)
      end
    end)
    function self.stop()
      copas.removethread(thread)
      server:close()
    end
    return self
  end

  local function ask_another(...)
    local server = another(...)
    loop.run(copas, function()
      web.get_twice(http, server)
      http.closeidle()
      server.stop()
    end)
    return server
  end

  it("uses a connection to a server of its own loop once, and says so", function()
    local server = with(ok, function(server) web.get_twice(http, server) end)

    assert.equal(2, server.connections)
    assert.equal("close, TE", server.requests[1].headers.connection)
    assert.equal("close, TE", server.requests[2].headers.connection)
  end)

  it("leaves a header of the program's own alone", function()
    local server = with(ok, function(server) web.get_twice(http, server, { headers = { Connection = "TE, upgrade" } }) end)

    assert.equal(2, server.connections)
    assert.equal("TE, upgrade", server.requests[1].headers.connection)
  end)

  it("gets the answer of a server that answers once, and waits for the end of the connection", function()
    local server = ask_another(ok)

    assert.equal(2, server.connections)
    assert.equal("TE", server.requests[1].headers.connection)
  end)

  local date = "Date: Mon, 30 Nov 2026 12:00:00 GMT"
  for _, header in ipairs { "Connection: Keep-Alive, x", "Keep-Alive: timeout=5", date } do
    it("uses a connection again if the server says " .. header, function()
      local answer = ok:gsub("\r\n", "\r\n" .. header .. "\r\n", 1)

      assert.equal(1, ask_another(answer, true).connections)
    end)
  end
end)
