-- Connections that copas.http uses again, and those that it does not.
local certificates = require("support.certificates")
local check = require("support.check")
local loop = require("support.loop")
local web = require("support.web")

local ltn12 = require("ltn12")
local socket = require("copas.socket")

local ok = web.ok

describe("copas.http", function()
  local copas, http

  before_each(function()
    copas = loop.fresh()
    http = require("copas.http")
    http.KEEPALIVE = true
  end)

  local function with(...) return web.with_keeping(copas, http, ...) end
  local function get_twice(...) web.get_twice(http, ...) end

  -- Makes requests in threads of their own, and waits for them.
  local function request_at_once(count, url)
    local done = 0
    for _ = 1, count do
      copas.addthread(function()
        http.request(url)
        done = done + 1
      end)
    end
    while done < count do copas.pause() end
  end

  it("uses a connection again for the next request to the same server", function()
    local server = with(ok, function(server)
      assert.equal("hello", http.request(server.url))
      assert.equal("hello", http.request(server.url .. "/other"))
    end)

    assert.equal(1, server.connections)
    assert.equal("GET /other HTTP/1.1", server.requests[2].line)
  end)

  it("uses one connection for as many requests as there are, one after the other", function()
    local server = with(ok, function(server)
      for _ = 1, 100 do assert.equal("hello", http.request(server.url)) end
    end)

    assert.equal(1, server.connections)
  end)

  it("uses no connection to another port of the same host", function()
    local other = web.keep(copas, { ok })
    local server = with(ok, function(server)
      assert.equal("hello", http.request(server.url))
      assert.equal("hello", http.request(other.url))
      http.closeidle()
      other:stop()
    end)

    assert.same({ 1, 1 }, { server.connections, other.connections })
  end)

  it("does not wait for an acknowledgement before it sends a body", function()
    local module = require("socket")
    local original, made = module.tcp, nil
    module.tcp = function()
      made = socket.tcp()
      return made
    end
    local nodelay
    with(ok, function(server)
      assert.equal("hello", http.request(server.url))
      nodelay = made:getoption("tcp-nodelay")
    end)
    module.tcp = original

    assert.is_true(nodelay)
  end)

  it("leaves the options alone of a socket that `create` has made", function()
    local skt = copas.wrap(socket.tcp())
    local nodelay
    with(ok, function(server)
      http.request { url = server.url, create = function() return skt end, keepalive = true }
      nodelay = skt:getoption("tcp-nodelay")
    end)

    assert.is_false(nodelay)
  end)

  it("keeps to a deadline also over a connection that was used before", function()
    local function stall(_, skt) skt:receive("*a") end
    local got
    local server = with({ ok, stall }, function(server)
      http.request(server.url)
      got = check.pack(http.request { url = server.url, deadline = 0.03 })
    end)

    assert.same(check.pack(nil, "timeout"), got)
    assert.equal(1, server.connections)
  end)

  it("receives by a function that the program has in place of copas.receive", function()
    local receive, calls = copas.receive, 0
    with(ok, function(server)
      function copas.receive(skt, ...)
        local _, port = skt:getpeername()
        if tonumber(port) == server.port then calls = calls + 1 end
        return receive(skt, ...)
      end
      assert.equal("hello", http.request(server.url))
    end)

    assert.is_true(calls > 0)
  end)

  it("keeps nothing of the answers with the connections that it keeps", function()
    local answers = setmetatable({}, { __mode = "k" })
    local left, kept
    with(ok, function(server)
      do
        local body = {}
        answers[body] = true
        assert(http.request { url = server.url, sink = ltn12.sink.table(body) })
      end
      copas.pause()
      loop.collect()
      left, kept = next(answers), http.closeidle()
    end)

    assert.is_nil(left)
    assert.equal(1, kept)
  end)

  it("forgets connections that were closed while it kept them", function()
    local made = setmetatable({}, { __mode = "k" })
    local left = 0
    local function create()
      local skt = copas.wrap(socket.tcp())
      made[skt] = true
      return skt
    end
    with(ok, function(server)
      for _ = 1, 100 do
        assert(http.request { url = server.url, create = create, keepalive = true })
        http.closeidle()
      end
      copas.pause()
      loop.collect()
      for _ in pairs(made) do left = left + 1 end
    end)

    assert.is_true(left < 40, left .. " are left")
  end)

  it("has no timeout for the connections that it keeps, as far as copas.gettimeouts tells", function()
    local armed
    with(ok, function(server)
      assert.equal("hello", http.request(server.url))
      armed = copas.gettimeouts()
    end)

    assert.equal(0, armed)
  end)

  it("closes each connection if it is told to, and says so", function()
    local server = with(ok, function(server) get_twice(server, { keepalive = false }) end)

    assert.equal(2, server.connections)
    assert.equal("close, TE", server.requests[1].headers.connection)
    http.KEEPALIVE = false
    assert.equal(2, with(ok, get_twice).connections)
  end)

  for what, answer in pairs {
    ["says that it closes"] = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello",
    ["is of HTTP/1.0"] = "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    ["is followed by something else"] = ok .. "HTTP/1.1 200 OK\r\n",
  } do
    it("does not use a connection again whose answer " .. what, function()
      assert.equal(2, with(answer, get_twice).connections)
    end)
  end

  for what, answer in pairs {
    ["that is chunked"] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nA: b\r\n\r\n",
    ["without body"] = "HTTP/1.1 204 No Content\r\n\r\n",
    ["of HTTP/1.0 that keeps it"] = "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\nhello",
    ["to HEAD"] = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
  } do
    it("uses a connection again after an answer " .. what, function()
      local method = what == "to HEAD" and "HEAD" or nil
      assert.equal(1, with(answer, function(server) get_twice(server, { method = method }) end).connections)
    end)
  end

  it("does not use a connection again after a failure", function()
    local malformed = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n"
    local server = with({ malformed, ok }, function(server)
      assert.same(check.pack(nil, "invalid chunk size"), check.pack(http.request(server.url)))
      assert.equal("hello", http.request(server.url))
      local failing = function() return nil, "enough" end
      assert.same(check.pack(nil, "enough"), check.pack(http.request { url = server.url, sink = failing }))
      assert.equal("hello", http.request(server.url))
    end)

    assert.equal(3, server.connections)
  end)

  for what, answer in pairs {
    ["two lengths"] = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    ["a length beside chunks"] =
      "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
    ["a coding that it does not know"] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    ["a chunk that is longer than its size"] =
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n0\r\n\r\n",
    ["lines of chunks that end with LF alone"] =
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\na\n0\n\n",
    ["a header without a colon"] = "HTTP/1.1 200 OK\r\nnothing\r\nContent-Length: 0\r\n\r\n",
    ["a blank before a colon"] = "HTTP/1.1 200 OK\r\nContent-Length : 0\r\n\r\n",
    ["a blank in the name of a header"] = "HTTP/1.1 200 OK\r\nA x: b\r\nContent-Length: 0\r\n\r\n",
    ["a status line without code"] = "HTTP/1.1 nothing\r\nContent-Length: 0\r\n\r\n",
    ["a malformed trailer"] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nnothing\r\n\r\n",
  } do
    it("gives an error for " .. what .. ", and keeps no such connection", function()
      with(answer, function(server)
        local body, err = http.request(server.url)
        assert.is_nil(body)
        assert.equal("string", type(err))
        assert.equal(0, http.closeidle())
      end)
    end)
  end

  it("sends what must not be sent twice over a new connection", function()
    local server = with(ok, function(server)
      http.request(server.url)
      http.request(server.url, "a=b")
      http.request { url = server.url, method = "PUT", source = ltn12.source.string("x") }
      http.request { url = server.url, method = "POST" }
      http.request(server.url)
    end)

    assert.equal(4, server.connections)
  end)

  it("repeats a request that meets a connection just closed", function()
    local server
    server = with({ ok, function(_, skt) skt:close() end, ok }, function(at)
      http.request(at.url)
      assert.equal("hello", http.request(at.url))
    end)

    assert.equal(3, #server.requests)
    assert.equal(2, server.connections)
  end)

  it("repeats a request over a new connection, whatever others are kept", function()
    local server
    local function close(_, skt) skt:close() end
    server = with({ ok, ok, close, ok }, function(at)
      request_at_once(2, at.url)
      assert.equal("hello", http.request(at.url))
    end)

    assert.equal(3, server.connections)
  end)

  it("does not repeat a request over a connection that was not used before", function()
    local server = with({ function(_, skt) skt:close() end, ok }, function(server)
      assert.same(check.pack(nil, "closed"), check.pack(http.request(server.url)))
    end)

    assert.equal(1, #server.requests)
  end)

  it("takes no answer without a head from a connection that was used before", function()
    with({ ok, function(_, skt)
      skt:send("not http")
      skt:close()
    end }, function(server)
      http.request(server.url)
      assert.same(check.pack(nil, "not an answer of HTTP/1"), check.pack(http.request(server.url)))
    end)
  end)

  it("does not repeat a request whose answer had begun", function()
    with({ ok, function(_, skt)
      skt:send("HTTP/1.1 2")
      skt:close()
    end, ok }, function(server)
      http.request(server.url)
      assert.same(check.pack(nil, "closed"), check.pack(http.request(server.url)))
    end)
  end)

  it("finds out that the server has closed a connection meanwhile", function()
    local closed
    local server = with({ function(_, skt)
      skt:send(ok)
      skt:close()
      closed = true
    end, ok }, function(at)
      http.request(at.url)
      while not closed do copas.pause() end
      copas.pause()
      assert.equal("hello", http.request(at.url))
    end)

    assert.equal(2, #server.requests)
  end)

  it("soon closes a connection to a server of its own loop, which would keep that from ending", function()
    with(ok, function(server)
      assert.equal("hello", http.request(server.url))

      copas.pause(0.2)

      assert.equal(0, http.closeidle())
    end)
  end)

  it("keeps no more connections than it is told, and none for longer", function()
    with(ok, function(server)
      http.keepidle(2, 10, 100)
      request_at_once(4, server.url)
      assert.equal(2, http.closeidle())
      http.keepidle(nil, nil, 0.001)
      http.request(server.url)
      copas.pause(0.01)
      assert.equal(0, http.closeidle())
    end)
  end)

  it("does not keep the loop running for connections that nobody uses", function()
    local server = web.keep(copas, { ok })
    http.keepidle(nil, nil, 1000)
    loop.run(copas, function()
      http.request(server.url)
      server:stop()
      http.closeidle()
    end)

    assert.is_true(copas.finished())
  end)

  it("uses connections that `create` has made for others only if it is told so", function()
    local made = 0
    local function create()
      made = made + 1
      return copas.wrap(socket.tcp())
    end

    assert.equal(2, with(ok, function(server) get_twice(server, { create = create }) end).connections)
    assert.equal(2, made)
    assert.equal(1, with(ok, function(server) get_twice(server, { create = create, keepalive = true }) end).connections)
  end)

  it("uses connections that one `create` has made for no requests with another", function()
    local server = with(ok, function(server)
      for index = 1, 2 do
        local function create() return index > 0 and copas.wrap(socket.tcp()) end -- no closure that Lua 5.2 would share
        http.request { url = server.url, create = create, keepalive = true }
      end
    end)

    assert.equal(2, server.connections)
  end)

  it("honours a program's own `socket.tcp`", function()
    local module = require("socket")
    local original, calls = module.tcp, 0
    module.tcp = function()
      calls = calls + 1
      return original()
    end
    with(ok, function(server) assert.equal("hello", http.request(server.url)) end)
    module.tcp = original

    assert.equal(1, calls)
  end)

  it("follows a redirect over the same connection", function()
    local moved = "HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 3\r\n\r\nabc"
    local server = with({ moved, ok }, function(server) assert.equal("hello", http.request(server.url)) end)

    assert.equal(1, server.connections)
  end)

  describe("by TLS", function()
    local made, params

    setup(function()
      made = certificates.new()
      params = made:sign("server", "127.0.0.1")
    end)
    teardown(function() made:remove() end)

    it("uses a connection again for requests with the same parameters only", function()
      local trusting = function() return { wrap = { cafile = made:file("ca.pem") } } end
      local server = with(ok, function(server)
        http.request { url = server.url, sslparams = trusting() }
        assert.equal(200, select(2, http.request { url = server.url, sslparams = trusting() }))
        http.request { url = server.url, verify = "none" }
        http.request { url = server.url, verify = "none" }
      end, params)

      assert.equal(2, server.connections)
    end)
  end)
end)
