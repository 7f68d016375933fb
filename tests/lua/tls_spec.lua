-- Encrypted connections of threads, from their handshake to their end.
local check = require("support.check")
local loop = require("support.loop")
local secured = require("support.secured")
local sockets = require("support.sockets")

local socket = require("copas.socket")
local luasocket = require("socket")

describe("a connection with TLS", function()
  local peers = secured.new()
  local made, server_params, run, connect = peers:unpack()
  local echo = secured.echo
  local copas, port, server
  local unpack = table.unpack or unpack

  teardown(function() peers:remove() end)
  before_each(function() copas, port, server = peers:start() end)
  after_each(function() peers:stop() end)

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
      local near, cut = peers:relay()
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

  it("fails with a position, also in a thread that is nothing but a function of the module", function()
    local failures = run(echo, server_params, function()
      local raw = socket.tcp()
      copas.connect(raw, "127.0.0.1", port)
      copas.addthread(copas.dohandshake, raw)
      copas.pause()
      copas.close(raw)
    end)

    assert.is_truthy(failures[1].text:find("^[^:]+:%d+: cannot wrap socket into a secure socket "))
  end)

  it("of a raw socket gives two values when its time is over", function()
    local silent = socket.bind("127.0.0.1", 0)
    local _, silent_port = silent:getsockname()
    local got
    copas.loop(function()
      local raw = socket.tcp()
      copas.connect(raw, "127.0.0.1", silent_port)
      copas.settimeouts(raw, 0.01)
      got = check.pack(copas.dohandshake(raw, { mode = "client", protocol = "any" }))
    end)
    silent:close()

    assert.same(check.pack(nil, "timeout"), got)
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
      local near, cut = peers:relay("STARTTLS\n")
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

  it("receives partially what all records that have come hold, and the end behind them #whole", function()
    local sent, received = copas.semaphore.new(2), {}
    run(function(skt)
      skt:send("x\n")
      skt:send("y\n")
      sent:give(1)
      skt:receive()
      skt:send("the ")
      skt:send("end")
      skt:close()
      sent:give(1)
    end, server_params, function()
      local skt = connect()
      sent:take(1)
      received[1] = check.pack(skt:receivepartial(100))
      skt:send("\n")
      sent:take(1)
      received[2] = check.pack(skt:receivepartial("*a"))
      skt:close()
    end)

    assert.same(check.pack(nil, "wantread", "x\ny\n"), received[1])
    assert.same(check.pack("the end", nil, nil), received[2])
  end)

  it("has the words of TLS for what does not leave, if they are wanted", function()
    local over, outcomes = copas.semaphore.new(2), {}
    run(function() over:take(1, math.huge) end, server_params, function()
      for _, wanted in ipairs { true, false } do
        local skt = connect()
        skt.socket:setoption("send-buffer-size", 100000)
        skt:settimeouts(nil, 0.01, nil)
        copas.useSocketTimeoutErrors(wanted)
        outcomes[#outcomes + 1] = select(2, skt:send(("x"):rep(20000000)))
        skt:close()
      end
      over:give(2)
    end)

    assert.same({ "wantwrite", "timeout" }, outcomes)
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
    peers:listen_on(sockets.listen(luasocket))
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

  it("serves a hundred handshakes at once", function()
    local served = 0
    -- The system may lose bytes of those that the queue has no room for.
    peers:listen_on(assert(socket.bind("127.0.0.1", 0, 200)))
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
