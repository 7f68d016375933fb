-- Limits and options of copas.http that Copas did not have, and objects of `create` that have no more than LuaSocket's
-- methods.
local check = require("support.check")
local loop = require("support.loop")
local web = require("support.web")

local ltn12 = require("ltn12")
local socket = require("copas.socket")

local pcall = require("support.pcall")

local ok = web.ok

describe("copas.http", function()
  local copas, http

  before_each(function()
    copas = loop.fresh()
    http = require("copas.http")
  end)

  -- Results of a request to a server that gives these answers; and the server.
  local function ask(answers, request)
    local server = web.serve(copas, type(answers) == "table" and answers or { answers })
    local results
    loop.run(copas, function()
      request.url = request.url or server.url .. "/"
      results = check.pack(http.request(request))
      server:stop()
    end)
    return results, server
  end

  describe("has a deadline for a whole request", function()
    it("that ends an answer which trickles in", function()
      local got = ask(function(_, skt)
        skt:send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        while skt:send("x") do copas.pause(0.002) end
      end, { deadline = 0.03, timeout = 10 })

      assert.same(check.pack(nil, "timeout"), got)
    end)

    it("that redirects share", function()
      local got, server = ask(function()
        copas.pause(0.02)
        return "HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n"
      end, { deadline = 0.05, maxredirects = false })

      assert.same(check.pack(nil, "timeout"), got)
      assert.is_true(#server.requests < 5)
    end)

    it("that a TLS handshake has a part of", function()
      local listener, port = require("support.sockets").listen(socket)
      copas.addserver(listener, copas.handler(function(skt) skt:receive("*a") end))
      local got
      loop.run(copas, function()
        got = check.pack(http.request { url = "https://127.0.0.1:" .. port, deadline = 0.03 })
        copas.removeserver(listener)
      end)

      assert.same(check.pack(nil, "timeout"), got)
    end)

    for what, limited in pairs { connecting = 1, sending = 2, receiving = 3 } do
      it("that limits " .. what, function()
        local limits
        local skt = copas.wrap(socket.tcp())
        function skt.settimeouts(_, ...) limits = { ... } end
        function skt.connect() return nil, "enough" end
        loop.run(copas, function()
          http.request { url = "http://127.0.0.1/", deadline = 1, timeout = 50, create = function() return skt end }
        end)
        skt:close()

        assert.is_true(limits[limited] <= 1)
      end)
    end

    it("that leaves a quick answer alone", function()
      assert.equal(200, ask(ok, { deadline = 10 })[2])
    end)
  end)

  it("limits the head and the body of an answer", function()
    local large = "HTTP/1.1 200 OK\r\nA: " .. ("x"):rep(2000) .. "\r\nContent-Length: 5\r\n\r\nhello"

    assert.same(check.pack(nil, "response headers too large"), (ask(large, { maxheader = 1000 })))
    assert.equal(200, ask(large, { maxheader = 3000 })[2])
    assert.same(check.pack(nil, "response body too large"), (ask(ok, { maxbody = 4 })))
    assert.equal(200, ask(ok, { maxbody = 5 })[2])
    http.MAXBODY = 4
    assert.same(check.pack(nil, "response body too large"), (ask(ok, {})))
  end)

  it("accepts a body without a head of plain GET requests only, or if it is told to", function()
    local function code_of(request) return ask("not http", request)[2] end

    assert.equal(200, code_of {})
    assert.equal("not an answer of HTTP/1", code_of { http09 = false })
    assert.equal("not an answer of HTTP/1", code_of { method = "HEAD" })
    assert.equal(200, code_of { method = "HEAD", http09 = true })
    http.HTTP09 = false
    assert.equal("not an answer of HTTP/1", code_of {})
  end)

  it("asks some hosts directly, though there is a proxy", function()
    local server = web.serve(copas, { ok })
    loop.run(copas, function()
      http.PROXY, http.NO_PROXY = "http://127.0.0.1:1", "other.test, 127.0.0.1"
      assert.equal("hello", http.request(server.url))
      http.NO_PROXY = nil
      assert.same(check.pack(nil, "connection refused"), check.pack(http.request(server.url)))
      assert.equal(200, select(2, http.request { url = server.url, proxy = false }))
      server:stop()
    end)
  end)

  for what, address in pairs {
    ["a proxy without host"] = "http://",
    ["a proxy with a bad port"] = "http://127.0.0.1:0",
  } do
    it("refuses " .. what, function()
      local got
      loop.run(copas, function() got = check.pack(http.request { url = "http://far.test", proxy = address }) end)
      assert.is_nil(got[1])
      assert.is_truthy(got[2] == "invalid proxy" or got[2] == "invalid port '0'")
    end)
  end

  describe("sends a body after the server has agreed,", function()
    it("if it says so", function()
      local body
      local server = web.serve(copas, {})
      copas.removeserver(server.server)
      local listener, port = require("support.sockets").listen(socket)
      copas.addserver(listener, copas.handler(function(skt)
        repeat until skt:receive() == ""
        skt:send("HTTP/1.1 100 Continue\r\n\r\n")
        body = skt:receive(3)
        skt:send(ok)
      end))
      local got
      loop.run(copas, function()
        got = check.pack(http.request {
          url = "http://127.0.0.1:" .. port, method = "PUT",
          headers = { expect = "100-continue", ["content-length"] = 3 }, source = ltn12.source.string("abc"),
        })
        copas.removeserver(listener)
      end)

      assert.equal(200, got[2])
      assert.equal("abc", body)
    end)

    it("and does not if it refuses", function()
      local listener, port = require("support.sockets").listen(socket)
      copas.addserver(listener, copas.handler(function(skt)
        repeat until skt:receive() == ""
        skt:send("HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n")
      end))
      local got
      loop.run(copas, function()
        got = check.pack(http.request {
          url = "http://127.0.0.1:" .. port, method = "PUT",
          headers = { expect = "100-continue" }, source = function() error("asked for") end,
        })
        copas.removeserver(listener)
      end)

      assert.equal(417, got[2])
    end)

    it("and if it says nothing for a moment, but waits for its answer for longer", function()
      local listener, port = require("support.sockets").listen(socket)
      local body
      copas.addserver(listener, copas.handler(function(skt)
        repeat until skt:receive() == ""
        body = skt:receive(3)
        copas.pause(1.5) -- longer than that moment
        skt:send(ok)
      end))
      local got
      loop.run(copas, function()
        got = check.pack(http.request {
          url = "http://127.0.0.1:" .. port, method = "PUT", timeout = 20,
          headers = { expect = "100-continue", ["content-length"] = 3 }, source = ltn12.source.string("abc"),
        })
        copas.removeserver(listener)
      end)

      assert.equal("abc", body)
      assert.equal(200, got[2])
    end)
  end)

  it("sends no chunk for an empty piece of a source, which would be the end", function()
    local pieces = { "ab", "", "c" }
    local _, server = ask(ok, { method = "PUT", source = function() return table.remove(pieces, 1) end })

    assert.same({ "ab", "c" }, server.requests[1].chunks)
  end)

  it("calls the step of a request also where nobody wants the body", function()
    local steps = 0
    ask(ok, { step = function(source, sink)
      steps = steps + 1
      return ltn12.pump.step(source, sink)
    end })

    assert.is_true(steps > 0)
  end)

  it("closes its connection when a sink throws", function()
    local server = web.serve(copas, { ok })
    local skt = copas.wrap(socket.tcp())
    local got, fd
    loop.run(copas, function()
      got = check.pack(pcall(http.request, {
        url = server.url,
        create = function() return skt end,
        sink = function() error("mine", 0) end,
      }))
      fd = skt:getfd()
      server:stop()
    end)

    assert.is_false(got[1])
    assert.matches("^mine", got[2]) -- coxpcall adds a traceback
    assert.equal(-1, fd)
  end)

  it("tells what a server has said that did not want to hear all of a body", function()
    local got = ask(function(_, skt)
      skt:send("HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
      skt:close()
    end, { method = "POST", source = function()
      copas.pause(0.001)
      return ("x"):rep(1000)
    end, headers = { ["content-length"] = 10 } })

    assert.is_true(got[2] == 413 or got[2] == "closed") -- the second if the system has dropped the answer
  end)

  describe("takes objects with LuaSocket's methods from `create`", function()
    -- A connection that has received a text, and has no method but those.
    local function object(text)
      local sent = {}
      local skt = { sent = sent }
      function skt.settimeout() return 1 end
      function skt.connect() return 1 end
      function skt.send(_, data)
        sent[#sent + 1] = data
        return #data
      end
      function skt.receive(_, pattern)
        copas.pause()
        local part
        if type(pattern) == "number" then
          if #text == 0 then return nil, "closed", "" end
          if #text < pattern then
            part, text = text, ""
            return nil, "closed", part
          end
          part, text = text:sub(1, pattern), text:sub(pattern + 1)
          return part
        end
        local line, rest = text:match("^(.-)\r?\n(.*)$")
        if not line then return nil, "closed", text end
        text = rest
        return line
      end
      function skt.close() skt.closed = true end
      return skt
    end

    for what, answer in pairs {
      ["by length"] = ok,
      ["in chunks"] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\nA: b\r\n\r\n",
      ["until the end"] = "HTTP/1.1 200 OK\r\n\r\nhello",
      ["without a head"] = "hello",
    } do
      it("and receives by them a body " .. what, function()
        local skt = object(answer)
        local parts = {}
        local got
        loop.run(copas, function()
          got = check.pack(http.request {
            url = "http://127.0.0.1", create = function() return skt end, sink = ltn12.sink.table(parts),
          })
        end)

        assert.equal(200, got[2])
        assert.equal("hello", table.concat(parts))
        assert.is_true(skt.closed)
        assert.is_truthy(table.concat(skt.sent):find("^GET / HTTP/1.1\r\n"))
      end)
    end

    it("and connects them to the port of the scheme if the URL names none", function()
      local seen
      local skt = object("")
      function skt.connect(_, host, port)
        seen = { host, port }
        return nil, "enough"
      end
      loop.run(copas, function() http.request { url = "http://far.test", create = function() return skt end } end)

      assert.same({ "far.test", 80 }, seen)
    end)

    it("and sets their one timeout", function()
      local seen
      local skt = object(ok)
      function skt.settimeout(_, seconds) seen = seconds end
      loop.run(copas, function()
        http.request { url = "http://127.0.0.1", timeout = 7, create = function() return skt end }
      end)

      assert.equal(7, seen)
    end)

    it("and closes them after a failure", function()
      local skt = object("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello")
      local got
      loop.run(copas, function()
        got = check.pack(http.request { url = "http://127.0.0.1", create = function() return skt end })
      end)

      assert.same(check.pack(nil, "closed"), got)
      assert.is_true(skt.closed)
    end)
  end)

  for what, answer in pairs {
    ["by length"] = "HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n" .. ("x"):rep(300000),
    ["in chunks"] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
      .. ("3E8\r\n" .. ("x"):rep(1000) .. "\r\n"):rep(100) .. "0\r\nA: b\r\n\r\n",
    ["until the end"] = "HTTP/1.1 200 OK\r\n\r\n" .. ("x"):rep(100000),
  } do
    it("drops a body that nobody wants, " .. what, function()
      for _, sink in ipairs { false, (ltn12.sink.null()) } do
        local got = ask(answer, { sink = sink or nil })
        assert.equal(200, got[2])
        assert.equal(what == "in chunks" and "b" or nil, got[3].a)
      end
    end)
  end

  it("tells what is wrong with a body that nobody wants", function()
    assert.same(check.pack(nil, "closed"), (ask("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", {})))
    assert.same(check.pack(nil, "response body too large"), (ask(ok, { maxbody = 4 })))
  end)

  it("lets sources and sinks wait", function()
    local count = 0
    local parts = {}
    local got, server = ask(ok, {
      method = "PUT",
      source = function()
        copas.pause(0.001)
        count = count + 1
        return count < 4 and "x" or nil
      end,
      sink = function(chunk)
        copas.pause(0.001)
        parts[#parts + 1] = chunk
        return 1
      end,
    })

    assert.equal(200, got[2])
    assert.same({ "x", "x", "x" }, server.requests[1].chunks)
    assert.equal("hello", table.concat(parts))
  end)

  it("has its exchange step by step, too", function()
    local server = web.serve(copas, {
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nA: b\r\n\r\n",
    })
    loop.run(copas, function()
      local exchange = http.open { host = "127.0.0.1", port = server.port, scheme = "http" }
      exchange:sendrequestline("POST", "/x")
      exchange:sendheaders { host = "h", ["content-length"] = 3 }
      exchange:sendbody({ ["content-length"] = 3 }, ltn12.source.string("abc"))
      assert.same({ 100, "HTTP/1.1 100 Continue" }, { exchange:receivestatusline() })
      assert.same({}, exchange:receiveheaders())
      assert.same({ 200, "HTTP/1.1 200 OK" }, { exchange:receivestatusline() })
      local headers, parts = exchange:receiveheaders(), {}
      exchange:receivebody(headers, (ltn12.sink.table(parts)))
      assert.equal("ok", table.concat(parts))
      assert.equal("b", headers.a)
      exchange:close()
      server:stop()
    end)

    assert.equal("abc", server.requests[1].body)
  end)

  it("has sources and sinks of chunks for LuaSocket's registries", function()
    local module = require("socket")
    local sent = {}
    local sink = module.sink("http-chunked", { send = function(_, data)
      sent[#sent + 1] = data
      return #data
    end })
    sink("hello")
    sink(nil)
    local text = table.concat(sent)
    local source = module.source("http-chunked", { receive = function(_, pattern)
      local part
      if type(pattern) == "number" then
        part, text = text:sub(1, pattern), text:sub(pattern + 1)
      else
        part, text = text:match("^(.-)\r\n(.*)$")
      end
      return part
    end }, {})

    assert.equal("5\r\nhello\r\n0\r\n\r\n", text)
    assert.equal("hello", source())
    assert.is_nil(source())
  end)
end)
