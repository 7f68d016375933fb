-- Encrypted connections of threads: by our own TLS, and by LuaSec where a context of LuaSec's is given.
local certificates = require("support.certificates")
local check = require("support.check")
local loop = require("support.loop")
local sockets = require("support.sockets")

local socket = require("copas.socket")
local luasocket = require("socket")

-- Lua 5.1 has no pcall that can wait.
local pcall = _VERSION == "Lua 5.1" and require("coxpcall").pcall or pcall

describe("a connection with TLS", function()
  local made, server_params, copas, server, port
  local unpack = table.unpack or unpack

  setup(function()
    made = certificates.new()
    server_params = made:sign("server", "localhost")
    made:sign("other", "other.test")
  end)

  teardown(function() made:remove() end)

  before_each(function()
    copas = loop.fresh()
    server, port = sockets.listen(socket)
  end)

  after_each(function() server:close() end)

  -- Serves one kind of connections, runs a client, and ends; what the server's threads report is returned.
  local function run(handler, params, client)
    local failures = {}
    copas.addserver(server, copas.handler(function(...)
      return handler(...)
    end, params))
    copas.seterrorhandler(function(err, _, skt)
      failures[#failures + 1] = { text = tostring(err), socket = skt }
    end, true)
    local ok, err
    copas.addthread(function()
      ok, err = pcall(client)
      copas.removeserver(server)
    end)
    copas.loop()
    if not ok then error(err, 0) end
    return failures
  end

  local function connect(params, sni)
    local skt = copas.wrap(socket.tcp(), { wrap = params or made:client(), sni = sni and { names = sni } })
    return skt, skt:connect("127.0.0.1", port)
  end

  local function echo(skt)
    while true do
      local line = skt:receive()
      if not line then return end
      skt:send(line .. "\n")
    end
  end

  -- A port behind which bytes pass to the server and back until `cut` is called, which ends both connections in the middle.
  -- What is in `ahead` goes first, in one piece with the first bytes.
  local function relay(ahead)
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
      assert(copas.connect(far, "127.0.0.1", port))
      ends = { near, far }
      copas.addthread(pass, far, near, "")
      pass(near, far, ahead or "")
    end)
    return front_port, function()
      copas.removeserver(front)
      for _, each in ipairs(ends) do copas.close(each) end
    end
  end

  it("carries what both sides send", function()
    local got
    run(echo, server_params, function()
      local skt = connect()
      skt:send("hello\n")
      got = { skt:receive() }
      skt:close()
    end)

    assert.same({ "hello" }, got)
  end)

  it("gives the wrapped socket when it is connected, and TLS objects with the text SSL", function()
    local results, text, server_text
    run(function(skt)
      server_text = tostring(skt.socket)
      skt:send("x")
    end, server_params, function()
      local skt
      skt, results = (function()
        local wrapped = copas.wrap(socket.tcp(), made:client())
        return wrapped, check.pack(wrapped:connect("127.0.0.1", port))
      end)()
      assert.equal(skt, results[1])
      text = tostring(skt.socket)
      skt:receive("*a")
      skt:close()
      assert.is_truthy(tostring(skt.socket):find(" (closed)", 1, true))
      assert.equal(-1, skt.socket:getfd())
    end)

    assert.equal(2, results.n)
    assert.is_truthy(text:find("^SSL connection: "))
    assert.is_truthy(server_text:find("^SSL connection: "))
  end)

  it("carries many records both ways at once", function()
    local big = ("0123456789abcdef"):rep(6000)
    local received, echoed
    run(function(skt)
      local done = copas.semaphore.new(1, 0)
      copas.addthread(function()
        received = skt:receive(#big)
        done:give()
      end)
      skt:send(big)
      done:take()
    end, server_params, function()
      local skt = connect()
      copas.addthread(function() skt:send(big) end)
      echoed = skt:receive(#big)
      skt:receive()
      skt:close()
    end)

    assert.is_true(received == big)
    assert.is_true(echoed == big)
  end)

  it("ends in good order when the handler ends, or when it is closed", function()
    local got
    run(function(skt) skt:send("bye") end, server_params, function()
      local skt = connect()
      got = check.pack(skt:receive("*a"))
      assert.same(check.pack(nil, "closed", ""), check.pack(skt:receive()))
    end)

    assert.same(check.pack("bye", nil, nil), got)
  end)

  it("loses nothing of a client that only sends and closes at once, whatever its server has sent unasked", function()
    local big = ("0123456789abcdef"):rep(12000)
    local got
    local closed = copas.semaphore.new(1, 0)
    server:setoption("recv-buffer-size", 50000) -- of those that it accepts; the rest waits at the client's side
    run(function(skt)
      closed:take()
      got = check.pack(skt:receive("*a"))
    end, server_params, function()
      local plain = socket.tcp4()
      plain:setoption("send-buffer-size", 1000000)
      local skt = copas.wrap(plain, made:client())
      assert(skt:connect("127.0.0.1", port))
      assert(skt:send(big))
      skt:close()
      closed:give()
    end)

    assert.equal(#big, #(got[1] or ""))
  end)

  it("tells an end without close_notify from one in good order", function()
    local got, again
    run(function(skt)
      skt:send("part")
      skt:receive()
    end, server_params, function()
      local near, cut = relay()
      local skt = copas.wrap(socket.tcp(), made:client())
      skt:connect("127.0.0.1", near)
      local part = skt:receive(4)
      cut()
      got = check.pack(skt:receive(10, part))
      again = check.pack(skt:receive(10))
      skt:close()
    end)

    assert.same(check.pack(nil, "unexpected eof while reading", "part"), got)
    assert.same(check.pack(nil, "closed", ""), again)
  end)

  it("is refused by a client that does not know the authority", function()
    local ok, err
    local failures = run(echo, server_params, function()
      local skt = copas.wrap(socket.tcp(), { mode = "client", protocol = "any", verify = "peer" })
      ok, err = pcall(skt.connect, skt, "127.0.0.1", port)
      skt:close()
    end)

    assert.is_false(ok)
    assert.is_truthy(err:find("TLS/SSL handshake failed: certificate verify failed", 1, true))
    assert.is_truthy(failures[1].text:find("TLS/SSL handshake failed: tlsv1 alert unknown ca", 1, true))
    assert.is_truthy(tostring(failures[1].socket):find("^SSL"))
  end)

  it("is not verified where nobody asks for it", function()
    local connected
    run(echo, server_params, function()
      local skt = connect { mode = "client", protocol = "any" }
      connected = skt.socket:getpeercertificate() ~= nil
      skt:close()
    end)

    assert.is_true(connected)
  end)

  it("is refused if the certificate is for another host, where verify_host is set", function()
    local params = made:client()
    params.verify_host = true
    local ok, err, good
    run(echo, server_params, function()
      local skt = copas.wrap(socket.tcp(), params)
      ok, err = pcall(skt.connect, skt, "127.0.0.1", port)
      skt:close()
      params.verify_host = "localhost"
      skt = copas.wrap(socket.tcp(), params)
      good = skt:connect("127.0.0.1", port) == skt
      skt:close()
    end)

    assert.is_false(ok)
    assert.is_truthy(err:find("certificate verify failed", 1, true))
    assert.is_true(good)
  end)

  it("is refused if the certificate has expired", function()
    made:sign("old", "localhost", "-days -1")
    local ok, err
    run(echo, made:server("old"), function()
      local skt = copas.wrap(socket.tcp(), made:client())
      ok, err = pcall(skt.connect, skt, "127.0.0.1", port)
      skt:close()
    end)

    assert.is_false(ok)
    assert.is_truthy(err:find("certificate verify failed", 1, true))
  end)

  it("does not reach the handler if the peer speaks no TLS", function()
    local handled = false
    local failures = run(function() handled = true end, server_params, function()
      local skt = copas.wrap(socket.tcp())
      skt:connect("127.0.0.1", port)
      skt:send("GET / HTTP/1.0\r\n\r\n")
      skt:receive("*a")
    end)

    assert.is_false(handled)
    assert.is_truthy(failures[1].text:find("TLS/SSL handshake failed: http request", 1, true))
  end)

  it("does not reach the handler if the peer stalls in the handshake", function()
    local handled, ended = false, nil
    copas.settimeouts(server, 0.05)
    local failures = run(function() handled = true end, server_params, function()
      local skt = copas.wrap(socket.tcp())
      skt:connect("127.0.0.1", port)
      skt:send("\22\3\1")
      ended = check.pack(skt:receive("*a"))
    end)

    assert.is_false(handled)
    assert.is_truthy(failures[1].text:find("TLS/SSL handshake failed: timeout", 1, true))
    assert.equal("closed", ended[2])
  end)

  it("is nil and timeout for a client whose server stalls, and never clear afterwards", function()
    local got, sent, own
    copas.addserver(server, function(skt) copas.receive(skt, "*a") end)
    loop.run(copas, function()
      local skt = copas.wrap(socket.tcp(), made:client())
      skt:settimeouts(0.02)
      got = check.pack(skt:connect("127.0.0.1", port))
      sent = check.pack(skt:send("secret"))
      assert.is_truthy(tostring(skt.socket):find("^SSL"))
      skt:close()
      copas.useSocketTimeoutErrors(true)
      skt = copas.wrap(socket.tcp(), made:client())
      skt:settimeouts(0.02)
      own = check.pack(skt:connect("127.0.0.1", port))
      skt:close()
      copas.removeserver(server)
    end)

    assert.same(check.pack(nil, "timeout"), got)
    assert.same(check.pack(nil, "closed", 0), sent)
    assert.same(check.pack(nil, "wantread"), own)
  end)

  it("begins after plain lines, without losing what was read with them", function()
    local got
    copas.addserver(server, function(skt)
      skt = copas.wrap(skt)
      assert.equal("STARTTLS", (skt:receive()))
      skt:dohandshake(server_params)
      got = skt:receive()
    end)
    loop.run(copas, function()
      local near, cut = relay("STARTTLS\n")
      local skt = copas.wrap(socket.tcp(), made:client())
      skt:connect("127.0.0.1", near)
      skt:send("in secret\n")
      skt:receive()
      skt:close()
      cut()
      copas.removeserver(server)
    end)

    assert.equal("in secret", got)
  end)

  it("has the certificate of the name that the client asks for", function()
    local tls = require("copas.tls")
    local contexts = { ["other.test"] = assert(tls.newcontext(made:server("other"))) }
    local asked, seen = {}, {}
    run(function(skt) asked[#asked + 1] = skt:getsniname() or "none" end,
      { wrap = server_params, sni = { names = contexts, strict = false } }, function()
        for _, name in ipairs { "other.test", "unknown.test" } do
          local skt = connect(made:client(), name)
          seen[#seen + 1] = skt.socket:getpeercertificate():subject()[1].value
          skt:receive("*a")
          skt:close()
        end
      end)

    assert.same({ "other.test", "unknown.test" }, asked)
    assert.same({ "other.test", "localhost" }, seen)
  end)

  it("is refused if strict and the client asks for another name", function()
    local tls = require("copas.tls")
    local contexts = { ["other.test"] = assert(tls.newcontext(made:server("other"))) }
    local ok, err
    local failures = run(echo, { wrap = server_params, sni = { names = contexts, strict = true } }, function()
      local skt = copas.wrap(socket.tcp(), { wrap = made:client(), sni = { names = "unknown.test" } })
      ok, err = pcall(skt.connect, skt, "127.0.0.1", port)
      skt:close()
    end)

    assert.is_false(ok)
    assert.is_truthy(err:find("tlsv1 unrecognized name", 1, true))
    assert.is_truthy(failures[1].text:find("callback failed", 1, true))
  end)

  it("agrees on a protocol that both sides know", function()
    local params, client = made:server("server"), made:client()
    params.alpn = { "three", "two" }
    client.alpn = { "one", "two", "three" }
    local theirs, mine
    run(function(skt) theirs = check.pack(skt:getalpn()) end, params, function()
      local skt = connect(client)
      mine = check.pack(skt:getalpn())
      skt:receive("*a")
      skt:close()
    end)

    assert.same(check.pack("three", nil), theirs)
    assert.same(check.pack("three", nil), mine)
  end)

  it("lets a function of the server choose the protocol", function()
    local params, client = made:server("server"), made:client()
    local offered
    params.alpn = function(list)
      offered = list
      return list[2]
    end
    client.alpn = { "one", "two" }
    local chosen
    run(function() end, params, function()
      local skt = connect(client)
      chosen = skt:getalpn()
      skt:close()
    end)

    assert.same({ "one", "two" }, offered)
    assert.equal("two", chosen)
  end)

  it("knows no protocol where it is not secured", function()
    local left, right = sockets.pair(socket)
    local plain = copas.wrap(left)

    assert.same(check.pack(nil, "not a tls socket"), check.pack(plain:getalpn()))
    assert.same(check.pack(nil, "not a tls socket"), check.pack(plain:getsniname()))
    left:close()
    right:close()
  end)

  it("takes up the session of an earlier one", function()
    local resumed = {}
    run(function(skt) skt:send("x") end, server_params, function()
      for _ = 1, 2 do
        local skt = connect(made:client(), "localhost")
        skt:receive("*a")
        resumed[#resumed + 1] = skt.socket:resumed()
        skt:close()
      end
    end)

    assert.same({ false, true }, resumed)
  end)

  it("notices that the files of its certificate have changed", function()
    local seen = {}
    made:sign("renewed", "first.test")
    run(function() end, made:server("renewed"), function()
      for _, host in ipairs { "first.test", "second.test" } do
        if host == "second.test" then made:sign("renewed", host) end
        local skt = connect { mode = "client", protocol = "any" }
        seen[#seen + 1] = skt.socket:getpeercertificate():subject()[1].value
        skt:close()
      end
    end)

    assert.same({ "first.test", "second.test" }, seen)
  end)

  it("notices that its parameters have changed, also inside of lists", function()
    local params, client = made:server("server"), made:client()
    params.alpn, client.alpn = { "one" }, { "one", "two", "three" }
    local seen = {}
    run(function() end, params, function()
      local function look()
        local skt = connect(client)
        seen[#seen + 1] = skt:getalpn()
        skt:close()
      end
      look()
      params.alpn[1] = "two"
      look()
      params.alpn = { "three" }
      look()
      params.alpn = "none"
      local skt = copas.wrap(socket.tcp(), client)
      seen[#seen + 1] = pcall(skt.connect, skt, "127.0.0.1", port)
      skt:close()
      params.alpn = { "one" }
      look()
    end)

    assert.same({ "one", "two", "three", false, "one" }, seen)
  end)

  it("lets the function of the asked name's context choose the protocol", function()
    local tls = require("copas.tls")
    local of_name, client = made:server("other"), made:client()
    of_name.alpn = function() return "two" end
    client.alpn = { "one", "two" }
    local chosen
    run(function() end, { wrap = server_params, sni = { names = { ["other.test"] = tls.newcontext(of_name) } } },
      function()
        local skt = connect(client, "other.test")
        chosen = skt:getalpn()
        skt:close()
      end)

    assert.equal("two", chosen)
  end)

  it("has the words of TLS for what is not there yet", function()
    local partial, own
    run(function(skt)
      skt:send("abc")
      skt:receive()
    end, server_params, function()
      local skt = connect()
      partial = check.pack(skt:receivepartial(10))
      while partial[3] ~= "abc" do partial = check.pack(skt:receivepartial(10, partial[3])) end
      skt:settimeouts(nil, nil, 0.01)
      copas.useSocketTimeoutErrors(true)
      own = check.pack(skt:receive())
      skt:close()
    end)

    assert.same(check.pack(nil, "wantread", "abc"), partial)
    assert.same(check.pack(nil, "wantread", ""), own)
  end)

  it("keeps the timeouts and the name of the plain socket", function()
    local names = {}
    local skt = socket.tcp()
    copas.setsocketname("mine", skt)
    local got
    run(function(served)
      names[1] = copas.getsocketname(served)
      served:send("x")
      echo(served)
    end, server_params, function()
      skt = copas.wrap(skt, made:client())
      skt:settimeouts(5, 5, 0.01)
      skt:connect("127.0.0.1", port)
      names[2] = copas.getsocketname(skt)
      repeat until skt:receive(1)
      got = check.pack(skt:receive())
      skt:close()
    end)

    assert.is_truthy(names[1]:find(":client_1$"))
    assert.equal("mine", names[2])
    assert.same(check.pack(nil, "timeout", ""), got)
  end)

  it("raises what is wrong with its parameters, and keeps the descriptor", function()
    local left, right = sockets.pair(socket)
    for _, case in ipairs {
      { { mode = "client", protocol = "nope" }, "invalid protocol (nope)" },
      { { mode = "server", protocol = "any", certificate = "/nowhere.pem" }, "error loading certificate (/nowhere.pem" },
      { { mode = "strange", protocol = "any" }, "invalid mode" },
    } do
      local wrapped = copas.wrap(left, { wrap = case[1] })
      local ok, err = pcall(wrapped.dohandshake, wrapped)
      assert.is_false(ok)
      assert.is_truthy(err:find(case[2], 1, true), err)
      assert.equal(left, wrapped.socket)
      assert.is_true(left:getfd() >= 0)
    end
    local plain = copas.wrap(left)
    local ok, err = pcall(plain.dohandshake, plain)
    assert.is_false(ok)
    assert.is_truthy(err:find("cannot wrap socket into a secure socket (using 'ssl.wrap()') without parameters/context",
      1, true))
    left:close()
    right:close()
  end)

  it("secures sockets of LuaSocket, whose descriptor moves", function()
    local got, fd
    run(echo, server_params, function()
      local raw = luasocket.tcp()
      local skt = copas.wrap(raw, made:client())
      skt:settimeout(5)
      skt:connect("127.0.0.1", port)
      fd = raw:getfd()
      skt:send("hello\n")
      got = skt:receive()
      skt:close()
    end)

    assert.equal(-1, fd)
    assert.equal("hello", got)
  end)

  it("serves connections that LuaSocket has accepted", function()
    server:close()
    server, port = sockets.listen(luasocket)
    local got, ended
    run(function(skt) skt:send("x") end, server_params, function()
      local skt = connect()
      got = skt:receive(1)
      ended = select(2, skt:receive())
      skt:close()
    end)

    assert.equal("x", got)
    assert.equal("closed", ended)
  end)

  it("closes a dropped connection when it is collected", function()
    local ended
    run(function() end, server_params, function()
      local other, other_port = sockets.listen(socket)
      local skt
      copas.addthread(function()
        skt = copas.wrap(socket.tcp(), made:client())
        skt:connect("127.0.0.1", other_port)
        skt = nil
      end)
      other:settimeout(0)
      local accepted
      repeat
        copas.pause(0)
        accepted = other:accept()
      until accepted
      local wrapped = copas.wrap(accepted, server_params)
      wrapped:dohandshake()
      copas.pause(0)
      loop.collect()
      loop.collect()
      ended = check.pack(wrapped:receive())
      other:close()
    end)

    assert.same(check.pack(nil, "closed", ""), ended)
  end)

  describe("of LuaSec", function()
    local ssl = require("ssl")

    it("is made by contexts of LuaSec", function()
      local got, text
      run(echo, assert(ssl.newcontext(server_params)), function()
        local skt = copas.wrap(socket.tcp(), assert(ssl.newcontext(made:client())))
        skt:settimeout(5)
        local connected, err = skt:connect("127.0.0.1", port)
        assert.equal(skt, connected, err)
        text = tostring(skt.socket)
        skt:send("hello\n")
        got = skt:receive()
        skt:close()
      end)

      assert.equal("hello", got)
      assert.is_truthy(text:find("^SSL connection: "))
    end)

    it("serves names by contexts of LuaSec, with a table of parameters for the others", function()
      local contexts = { ["other.test"] = assert(ssl.newcontext(made:server("other"))) }
      local seen = {}
      run(function(skt) skt:send("x") end, { wrap = server_params, sni = { names = contexts } }, function()
        for _, name in ipairs { "other.test", "unknown.test" } do
          local skt = connect(made:client(), name)
          seen[#seen + 1] = skt.socket:getpeercertificate():subject()[1].value
          skt:receive("*a")
          skt:close()
        end
      end)

      assert.same({ "other.test", "localhost" }, seen)
    end)

    it("wraps native sockets by itself, and works in a wrapped socket", function()
      local got
      run(echo, server_params, function()
        local raw = socket.tcp()
        copas.connect(raw, "127.0.0.1", port)
        local connection = assert(ssl.wrap(raw, made:client()))
        assert.equal(-1, raw:getfd())
        connection:settimeout(0)
        local skt = copas.wrap(connection)
        skt:dohandshake()
        skt:send("hello\n")
        got = skt:receive()
        skt:close()
      end)

      assert.equal("hello", got)
    end)

    it("closes a handler's connection at its end", function()
      local ended
      run(function() end, assert(ssl.newcontext(server_params)), function()
        local skt = connect()
        ended = select(2, skt:receive())
        skt:close()
      end)

      assert.equal("closed", ended)
    end)
  end)

  it("serves a hundred handshakes at once", function()
    local served = 0
    server:close()
    server = assert(socket.bind("127.0.0.1", 0, 200)) -- the system may lose bytes of those that the queue has no room for
    port = select(2, server:getsockname())
    run(function(skt)
      skt:receive()
      served = served + 1
    end, server_params, function()
      local done = copas.semaphore.new(100, 0)
      for _ = 1, 100 do
        copas.addthread(function()
          local skt = connect(made:client(), "localhost")
          skt:send("x\n")
          skt:receive()
          skt:close()
          done:give()
        end)
      end
      assert(done:take(100, 60))
    end)

    assert.equal(100, served)
  end)

  it("is handled by copas.handler with the further arguments and results", function()
    local passed
    local handler = copas.handler(function(skt, ...)
      passed = check.pack(...)
      return skt, unpack({ 1, nil, 3 }, 1, 3)
    end, server_params)
    local results
    copas.addserver(server, function(skt)
      results = check.pack(handler(skt, "a", nil, "c"))
      copas.removeserver(server)
    end)
    loop.run(copas, function()
      local skt = connect()
      skt:receive()
      skt:close()
    end)

    assert.same(check.pack("a", nil, "c"), passed)
    assert.equal(4, results.n)
    assert.same({ 1, nil, 3 }, { results[2], results[3], results[4] })
  end)
end)
