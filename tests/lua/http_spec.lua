-- Requests by copas.http, to a scripted server.
local certificates = require("support.certificates")
local check = require("support.check")
local loop = require("support.loop")
local sockets = require("support.sockets")
local web = require("support.web")

local ltn12 = require("ltn12")
local socket = require("copas.socket")

local pcall = require("support.pcall")

describe("copas.http", function()
  local copas, http

  before_each(function()
    copas = loop.fresh()
    http = require("copas.http")
  end)

  -- Results of a request to a server that gives these answers; and the server.
  local function ask(answers, request, ...)
    local server = web.serve(copas, type(answers) == "table" and answers or { answers })
    local results
    local further = check.pack(...)
    loop.run(copas, function()
      if type(request) == "table" then
        request.url = request.url or server.url .. "/"
        results = check.pack(http.request(request))
      else
        results = check.pack(http.request(server.url .. (request or "/"), further[1]))
      end
      server:stop()
    end)
    return results, server
  end

  local ok = web.ok

  describe("a request by URL", function()
    it("gives body, code, headers and status line", function()
      local got = ask(ok)

      assert.same({ "hello", 200, { ["content-length"] = "5" }, "HTTP/1.1 200 OK", n = 4 }, got)
    end)

    it("asks for the path with parameters and query, without the fragment", function()
      local _, server = ask(ok, "/a/b;c?d=e#f")

      assert.equal("GET /a/b;c?d=e HTTP/1.1", server.requests[1].line)
      assert.same({
        host = "127.0.0.1:" .. server.port,
        ["user-agent"] = http.USERAGENT,
        te = "trailers",
        connection = "close, TE",
      }, server.requests[1].headers)
    end)

    it("posts a body", function()
      local _, server = ask(ok, "/", "a=b")

      assert.equal("POST / HTTP/1.1", server.requests[1].line)
      assert.equal("application/x-www-form-urlencoded", server.requests[1].headers["content-type"])
      assert.equal("a=b", server.requests[1].body)
    end)

    it("counts every code as a success", function()
      local got = ask("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")

      assert.same({ "", 404, { ["content-length"] = "0" }, "HTTP/1.1 404 Not Found", n = 4 }, got)
    end)
  end)

  describe("a request table", function()
    it("gives 1, and the body to its sink", function()
      local parts = {}
      local got = ask(ok, { sink = ltn12.sink.table(parts) })

      assert.same({ 1, 200, { ["content-length"] = "5" }, "HTTP/1.1 200 OK", n = 4 }, got)
      assert.equal("hello", table.concat(parts))
    end)

    it("replaces headers whatever the case of their names", function()
      local _, server = ask(ok, { headers = { ["User-Agent"] = "me", ["X-Number"] = 5 } })

      assert.equal("me", server.requests[1].headers["user-agent"])
      assert.equal("5", server.requests[1].headers["x-number"])
    end)

    it("sends a source in chunks, and says so", function()
      local _, server = ask(ok, { method = "PUT", source = ltn12.source.table { "one", "two" } })

      assert.equal("chunked", server.requests[1].headers["transfer-encoding"])
      assert.same({ "one", "two" }, server.requests[1].chunks)
    end)

    it("sends a source as it is if its length is given", function()
      local _, server = ask(ok, {
        method = "PUT",
        headers = { ["content-length"] = 6 },
        source = ltn12.source.table { "one", "two" },
      })

      assert.equal("onetwo", server.requests[1].body)
    end)

    it("ends with the error of its source, or of its sink", function()
      local failing = function() return nil, "no more" end

      assert.same(check.pack(nil, "no more"), (ask(function(_, skt) skt:close() end, {
        headers = { ["content-length"] = 3 },
        source = failing,
      })))
      assert.same(check.pack(nil, "no more"), (ask(ok, { sink = failing })))
    end)

    it("has user and password in a header", function()
      local server = web.serve(copas, { ok })
      loop.run(copas, function()
        http.request(("http://me:secret@127.0.0.1:%d/"):format(server.port))
        http.request { url = server.url, user = "me", password = "secret" }
        server:stop()
      end)

      for _, request in ipairs(server.requests) do
        assert.equal("Basic bWU6c2VjcmV0", request.headers.authorization)
        assert.equal("127.0.0.1:" .. server.port, request.headers.host)
      end
    end)

    it("makes its connection by `create`", function()
      local seen
      local got = ask(ok, {
        create = function(request)
          seen = request.uri
          return copas.wrap(socket.tcp())
        end,
      })

      assert.equal("/", seen)
      assert.equal(200, got[2])
      assert.same(check.pack(nil, "no luck"), (ask(ok, { create = function() return nil, "no luck" end })))
    end)

    it("goes by way of a proxy", function()
      local proxy = web.serve(copas, { ok })
      local got
      loop.run(copas, function()
        got = check.pack(http.request { url = "http://far.test/x", proxy = proxy.url })
        proxy:stop()
      end)

      assert.equal(1, got[1])
      assert.equal("GET http://far.test/x HTTP/1.1", proxy.requests[1].line)
      assert.equal("far.test", proxy.requests[1].headers.host)
    end)

    it("is refused before anything is sent if it could end a line of its own", function()
      for _, case in ipairs {
        { { url = "http://127.0.0.1:1/a b" }, "invalid request target" },
        { { url = "http://127.0.0.1:1/a\r\nb" }, "invalid request target" },
        { { url = "http://127.0.0.1:1/", headers = { a = "b\r\nc: d" } }, "invalid value of header 'a'" },
        { { url = "http://127.0.0.1:1/", headers = { ["a:"] = "b" } }, "invalid header name 'a:'" },
        { { url = "http://127.0.0.1:1/", method = "GET /" }, "invalid method" },
        { { url = "http://127.0.0.1:99999/" }, "invalid port '99999'" },
        { { url = "http:///x" }, "invalid host ''" },
        { { url = "gopher://127.0.0.1/" }, "unsupported scheme 'gopher'" },
      } do
        local got
        loop.run(copas, function() got = check.pack(http.request(case[1])) end)
        assert.same(check.pack(nil, case[2]), got)
      end
    end)
  end)

  describe("a body", function()
    it("ends with its last chunk, whose trailers join the headers", function()
      local got = ask("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        .. "3;x=y\r\nabc\r\nA\r\n0123456789\r\n0\r\nX-Sum: 5\r\n\r\n")

      assert.equal("abc0123456789", got[1])
      assert.equal("5", got[3]["x-sum"])
    end)

    it("may have sizes of chunks that are padded with blanks, behind headers that are, as upstream takes them", function()
      local got = ask("HTTP/1.1 200 OK\r\nX-Padded : yes\r\nTransfer-Encoding: chunked\r\n\r\n"
        .. "3  \r\nabc\r\nA ;x=y\r\n0123456789\r\n0 \r\n\r\n")

      assert.equal("abc0123456789", got[1])
      assert.equal("yes", got[3]["x-padded"])
    end)

    -- The pieces that a sink gets of a body that is sent in these pieces.
    local function pieces_of(...)
      local sent, parts = { ... }, {}
      ask(function(_, skt)
        skt:send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _, piece in ipairs(sent) do
          skt:send(piece)
          copas.pause(0.01)
        end
      end, { sink = ltn12.sink.table(parts) })
      return parts
    end

    it("comes chunk by chunk, however many have arrived", function()
      assert.same({ "a", "bc", "def" }, pieces_of("1\r\na\r\n2\r\nbc\r\n3\r\ndef\r\n0\r\n\r\n"))
    end)

    it("has whole chunks, in whatever pieces they arrive", function()
      local large = ("x"):rep(200000)

      assert.same({ "abcdef", large, "g" },
        pieces_of("6\r\nab", "cd", "ef\r", "\n30D40\r\n" .. large .. "\r\n1\r", "\ng", "\r\n0\r\n\r\n"))
    end)

    it("goes on until the end of the connection if nothing else is said", function()
      assert.equal("abc", ask("HTTP/1.1 200 OK\r\n\r\nabc")[1])
    end)

    it("is none with codes that have none, or for HEAD", function()
      local sink = function() error("called") end
      assert.equal(204, ask("HTTP/1.1 204 No\r\nContent-Length: 5\r\n\r\n", { sink = sink })[2])
      assert.equal(304, ask("HTTP/1.1 304 No\r\nContent-Length: 5\r\n\r\n", { sink = sink })[2])
      assert.equal(200, ask("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", { sink = sink, method = "HEAD" })[2])
    end)

    it("may be the whole answer", function()
      assert.same(check.pack("abcdefg", 200, nil, nil), ask("abcdefg"))
    end)
  end)

  it("skips what comes before the answer", function()
    local got = ask("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 100 Continue\r\nA: b\r\n\r\n" .. ok)

    assert.equal("hello", got[1])
  end)

  it("joins headers that come twice, and lines that are folded", function()
    local got = ask("HTTP/1.1 200 OK\nA: 1\nB: a\n  b\nA: 2\nContent-Length: 0\n\n")

    assert.equal("1, 2", got[3].a)
    assert.equal("a  b", got[3].b)
  end)

  for what, case in pairs {
    ["an end before the answer"] = { "", "closed" },
    ["an end within the body"] = { "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", "closed" },
    ["an end within a chunk"] = { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nabc", "closed" },
    ["a size of a chunk that is none"] = {
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", "invalid chunk size",
    },
    ["a chunk that is longer than its size"] = {
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n", "invalid chunk size",
    },
    ["a header without a colon"] = { "HTTP/1.1 200 OK\r\nnothing\r\n\r\n", "malformed reponse headers" },
    ["a status line without code"] = { "HTTP/1.1 nothing\r\n\r\n", "HTTP/1.1 nothing" },
    ["two lengths"] = {
      "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", "invalid content-length '1, 2'",
    },
    ["a length that is no number"] = {
      "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nab", "invalid content-length '-1'",
    },
    ["a length beside chunks"] = {
      "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      "both content-length and transfer-encoding",
    },
    ["a coding that it does not know"] = {
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", "unsupported transfer-encoding 'gzip, chunked'",
    },
    ["headers without end"] = {
      "HTTP/1.1 200 OK\r\n" .. ("X: " .. ("x"):rep(1000) .. "\r\n"):rep(300), "response headers too large",
    },
  } do
    it("tells " .. what, function()
      assert.same(check.pack(nil, case[2]), (ask(case[1])))
    end)
  end

  it("gives up a server that stalls, in whatever phase", function()
    for _, part in ipairs {
      "",
      "HTTP/1.1 2",
      "HTTP/1.1 200 OK\r\nA: b\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc",
    } do
      local got = ask(function(_, skt)
        skt:send(part)
        skt:receive()
        return ""
      end, { timeout = { receive = 0.02 } })

      assert.same(check.pack(nil, "timeout"), got)
    end
  end)

  it("throws for timeouts that do not exist", function()
    local done, err
    loop.run(copas, function() done, err = pcall(http.request, { url = "http://127.0.0.1:1/", timeout = { read = 1 } }) end)

    assert.is_false(done)
    assert.is_truthy(err:find("'read' is not a valid timeout option. Valid: 'connect', 'send', 'receive'", 1, true))
  end)

  it("tells that nobody listens", function()
    local port = sockets.deaf_port(socket)
    local got
    loop.run(copas, function() got = check.pack(http.request(("http://127.0.0.1:%d/"):format(port))) end)

    assert.same(check.pack(nil, "connection refused"), got)
  end)

  it("lets many requests run at once", function()
    local waiting, most = 0, 0
    local all
    local server = web.serve(copas, {
      function()
        waiting = waiting + 1
        most = math.max(most, waiting)
        if waiting == 5 then all:give(5) end
        all:take()
        return ok
      end,
    })
    all = copas.semaphore.new(5, 0)
    local bodies = {}
    for _ = 1, 5 do
      copas.addthread(function()
        local body = http.request(server.url)
        bodies[#bodies + 1] = body
        if #bodies == 5 then server:stop() end
      end)
    end
    copas.loop()

    assert.same({ "hello", "hello", "hello", "hello", "hello" }, bodies)
    assert.equal(5, most)
  end)

  describe("https", function()
    local made, params

    setup(function()
      made = certificates.new()
      params = made:sign("server", "127.0.0.1")
      made:sign("other", "other.test")
    end)

    teardown(function() made:remove() end)

    -- Results of a request, or what it threw.
    local function ask_securely(request, server_params)
      local server = web.serve(copas, { ok }, server_params or params)
      copas.seterrorhandler(function() end, true) -- of the server's threads
      local results
      copas.addthread(function()
        request.url = request.url or server.url
        results = check.pack(pcall(http.request, request))
        server:stop()
      end)
      copas.loop()
      return results, server
    end

    it("is verified, chain and host", function()
      local trusting = function() return { wrap = { protocol = "any", cafile = made:file("ca.pem"), verify = nil } } end

      assert.equal(200, ask_securely({ sslparams = trusting() })[3])
      for _, refused in ipairs {
        (ask_securely({})),
        (ask_securely({ sslparams = trusting() }, made:server("other"))),
      } do
        assert.is_false(refused[1])
        assert.is_truthy(tostring(refused[2]):find("TLS/SSL handshake failed: certificate verify failed", 1, true))
      end
    end)

    it("is not verified if the caller says so", function()
      assert.equal(200, ask_securely({ verify = "none" })[3])
      assert.equal(200, ask_securely({ sslparams = { wrap = { verify = "none" } } })[3])
      assert.equal(200, ask_securely({ sslparams = { mode = "client", protocol = "any", verify = "none" } })[3])
      http.SSLVERIFY = "none"
      assert.equal(200, ask_securely({})[3])
    end)

    it("has its scheme in any case", function()
      local server = web.serve(copas, { ok }, params)
      local got
      loop.run(copas, function()
        got = check.pack(http.request { url = "HTTPS://127.0.0.1:" .. server.port, verify = "none" })
        server:stop()
      end)

      assert.equal(200, got[2])
    end)

    it("is not left for http unless that is wanted", function()
      local plain = web.serve(copas, { ok })
      local answer = ("HTTP/1.1 302 Moved\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n"):format(plain.url)
      local server = web.serve(copas, { answer }, params)
      local refused, followed
      loop.run(copas, function()
        refused = check.pack(http.request { url = server.url, verify = "none", redirect = true })
        followed = check.pack(http.request { url = server.url, verify = "none", redirect = "all" })
        server:stop()
        plain:stop()
      end)

      assert.same(check.pack(nil, "Unallowed insecure redirect https to http"), refused)
      assert.equal(200, followed[2])
    end)

    it("goes through a proxy by CONNECT", function()
      local server = web.serve(copas, { ok }, params)
      local asked
      local proxy = web.serve(copas, {
        function(request, skt)
          asked = request.line
          local far = copas.wrap(socket.tcp())
          far:connect("127.0.0.1", server.port)
          skt:send("HTTP/1.1 200 Connected\r\n\r\n")
          copas.addthread(function()
            while true do
              local data, err, part = far:receivepartial("*a")
              data = data or part or ""
              if data ~= "" then skt:send(data) end
              if err == "closed" or err == nil then break end
            end
            skt:close()
          end)
          while true do
            local data, err, part = skt:receivepartial("*a")
            data = data or part or ""
            if data ~= "" then far:send(data) end
            if err == "closed" or err == nil then break end
          end
          return ""
        end,
      })
      local got
      loop.run(copas, function()
        got = check.pack(http.request {
          url = server.url,
          proxy = proxy.url,
          sslparams = { wrap = { protocol = "any", cafile = made:file("ca.pem") } },
        })
        server:stop()
        proxy:stop()
      end)

      assert.equal("CONNECT 127.0.0.1:" .. server.port .. " HTTP/1.1", asked)
      assert.equal(200, got[2])
    end)
  end)
end)
