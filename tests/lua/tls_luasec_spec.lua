-- Encrypted connections of LuaSec, which are made where one of its contexts is given, or by a program itself.
local check = require("support.check")
local secured = require("support.secured")

local socket = require("copas.socket")

local pcall = require("support.pcall")

describe("a connection with TLS", function()
  local peers = secured.new("other")
  local made, server_params, run, connect = peers:unpack()
  local echo = secured.echo
  local copas, port

  teardown(function() peers:remove() end)
  before_each(function() copas, port = peers:start() end)
  after_each(function() peers:stop() end)

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

    it("is closed to the thread that shakes hands by it, and to whoever asks or tries again", function()
      local outcomes = {}
      run(function(skt) skt:receive("*a") end, nil, function()
        local skt = copas.wrap(socket.tcp(), assert(ssl.newcontext(made:client())))
        local done
        copas.addthread(function()
          outcomes[1] = check.pack(pcall(skt.connect, skt, "127.0.0.1", port))
          done = true
        end)
        copas.pause(0.01)
        skt:close()
        repeat copas.pause() until done
        outcomes[2] = check.pack(pcall(skt.dohandshake, skt))
        assert.same(check.pack(nil, nil), check.pack(skt:getalpn()))
        assert.same(check.pack(nil, nil), check.pack(skt:getsniname()))
        assert.same(check.pack(), check.pack(skt:sni("localhost")))
      end)

      for _, outcome in ipairs(outcomes) do
        assert.is_false(outcome[1])
        assert.is_truthy(tostring(outcome[2]):find("TLS/SSL handshake failed: closed", 1, true))
      end
    end)

    it("does not shake hands again once that has failed", function()
      local outcomes = {}
      run(echo, server_params, function()
        local params = made:client()
        params.cafile = nil
        local skt = copas.wrap(socket.tcp(), assert(ssl.newcontext(params)))
        outcomes[1] = check.pack(pcall(skt.connect, skt, "127.0.0.1", port))
        outcomes[2] = check.pack(pcall(skt.dohandshake, skt))
        assert.same(check.pack(nil, "closed", 0), check.pack(skt:send("x")))
        skt:close()
      end)

      for index, reason in ipairs { "certificate verify failed", "closed" } do
        assert.is_false(outcomes[index][1])
        assert.is_truthy(tostring(outcomes[index][2]):find("handshake failed: " .. reason, 1, true))
      end
    end)

    it("is closed after an end that was not announced", function()
      local seen = {}
      run(function(skt)
        skt:send("part")
        skt:receive()
      end, server_params, function()
        local near, cut = peers:relay()
        local skt = copas.wrap(socket.tcp(), assert(ssl.newcontext(made:client())))
        skt:connect("127.0.0.1", near)
        local part = skt:receive(4)
        cut()
        seen[1] = check.pack(skt:receive(10, part))
        seen[2] = check.pack(skt:receive(10))
        seen[3] = check.pack(skt:send("x"))
        skt:close()
      end)

      assert.same({
        check.pack(nil, "unexpected eof while reading", "part"),
        check.pack(nil, "closed", ""),
        check.pack(nil, "closed", 0),
      }, seen)
    end)

    it("has the words of TLS for what does not come and what does not leave, if they are wanted", function()
      local over, outcomes = copas.semaphore.new(2), {}
      run(function() over:take(1, math.huge) end, server_params, function()
        for _, wanted in ipairs { true, false } do
          local skt = copas.wrap(socket.tcp(), assert(ssl.newcontext(made:client())))
          skt:connect("127.0.0.1", port)
          skt:settimeouts(nil, 0.01, 0.01)
          copas.useSocketTimeoutErrors(wanted)
          outcomes[#outcomes + 1] = select(2, skt:receive())
          outcomes[#outcomes + 1] = select(2, skt:send(("x"):rep(20000000)))
          skt:close()
        end
        over:give(2)
      end)

      assert.same({ "wantread", "wantwrite", "timeout", "timeout" }, outcomes)
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
end)
