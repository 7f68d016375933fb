-- UDP in threads: what waits for datagrams, on raw and on wrapped sockets.
local check = require("support.check")
local datagrams = require("support.datagrams")
local kinds = require("support.kinds")
local loop = require("support.loop")
local sockets = require("support.sockets")

for name, socket in pairs(kinds.libraries) do
  describe("UDP of " .. name, function()
    local server, port, client

    before_each(function() server, port, client = datagrams.pair(socket) end)
    after_each(function() sockets.close(server, client) end)

    describe("in a thread", function()
      local copas

      before_each(function()
        copas = loop.fresh()
        server:settimeout(0)
        client:settimeout(0)
      end)

      it("is received from at once, as three values", function()
        client:send("one")
        client:send("two")
        client:send("three")
        local _, own = client:getsockname()
        loop.run(copas, function()
          assert.same(check.pack("one", nil, nil), check.pack(copas.receive(server, 100)))
          assert.same(check.pack("tw", nil, nil), check.pack(copas.receivepartial(server, 2)))
          assert.same(check.pack("three", "127.0.0.1", tonumber(own)), check.pack(copas.receivefrom(server)))
        end)
      end)

      it("is waited for", function()
        local got = {}
        loop.run(copas, function()
          got[1] = copas.receive(server, 100)
          got[2] = copas.receivefrom(server, 3)
        end, function()
          copas.pause()
          client:send("hello")
          copas.pause()
          client:send("world")
        end)

        assert.same({ "hello", "wor" }, got)
      end)

      it("lets others run meanwhile", function()
        local order = {}
        loop.run(copas, function()
          copas.receive(server, 100)
          order[#order + 1] = "received"
        end, function()
          for index = 1, 3 do
            copas.pause(0.001)
            order[#order + 1] = index
          end
          client:send("x")
        end)

        assert.same({ 1, 2, 3, "received" }, order)
      end)

      it("gives the datagrams to those who wait, in their order", function()
        local got = {}
        for index = 1, 3 do
          copas.addthread(function()
            local data = copas.receive(server, 100)
            got[#got + 1] = index .. data
          end)
        end
        loop.run(copas, function()
          copas.pause()
          for _, text in ipairs { "a", "b", "c" } do client:send(text) end
        end)

        assert.same({ "1a", "2b", "3c" }, got)
      end)

      it("needs a size to receive, as LuaSocket does", function()
        loop.run(copas, function()
          check.error("number expected, got string", copas.receive, server)
          check.error("number expected, got string", copas.receive, server, "*l")
          check.error("number expected, got table", copas.receivefrom, server, {})
        end)
      end)

      it("refuses what objects of its class cannot do", function()
        loop.run(copas, function()
          check.error("udp{connected} expected", copas.send, server, "x")
          check.error("udp{unconnected} expected", copas.receivefrom, client)
          check.error("udp{unconnected} expected", copas.sendto, client, "x", "127.0.0.1", port)
        end)
      end)

      it("is sent to, as three values", function()
        loop.run(copas, function()
          assert.same(check.pack(5, nil, nil), check.pack(copas.send(client, "hello")))
          assert.same(check.pack(0, nil, nil), check.pack(copas.send(client, "")))
          local other = socket.udp()
          assert.same(check.pack(2), check.pack(copas.sendto(other, "hi", "127.0.0.1", port)))
          for _, text in ipairs { "hello", "", "hi" } do assert.equal(text, (copas.receive(server, 10))) end
          other:close()
        end)
      end)

      it("hears that nobody is there", function()
        local skt = datagrams.connect(socket, datagrams.deaf_port(socket))
        skt:settimeout(0)
        loop.run(copas, function()
          copas.send(skt, "x")
          assert.same(check.pack(nil, "connection refused", nil), check.pack(copas.receive(skt, 10)))
        end)
        skt:close()
      end)

      it("has timeouts", function()
        copas.settimeout(server, 0.02)
        loop.run(copas, function()
          local start = copas.gettime()
          assert.same(check.pack(nil, "timeout", nil), check.pack(copas.receive(server, 10)))
          assert.same(check.pack(nil, "timeout", nil), check.pack(copas.receivefrom(server)))
          assert.is_true(copas.gettime() - start > 0.04)
          client:send("x")
          assert.equal("x", (copas.receive(server, 10)))
        end)
      end)

      it("waits for ever with a timeout of 0", function()
        copas.settimeout(server, 0)
        local got
        loop.run(copas, function() got = copas.receive(server, 10) end, function()
          copas.pause(0.03)
          client:send("x")
        end)

        assert.equal("x", got)
      end)

      it("wakes all that wait for it when it is closed", function()
        local got = {}
        copas.addthread(function() got[1] = check.pack(copas.receive(server, 10)) end)
        copas.addthread(function() got[2] = check.pack(copas.receivefrom(server)) end)
        loop.run(copas, function()
          copas.pause()
          assert.same(check.pack(1), check.pack(copas.close(server)))
          assert.same(check.pack(nil, "closed", nil), check.pack(copas.receive(server, 10)))
        end)

        assert.same({ check.pack(nil, "closed", nil), check.pack(nil, "closed", nil) }, got)
      end)

      it("is closed before it has a descriptor", function()
        loop.run(copas, function()
          assert.same(check.pack(nil, "closed", nil), check.pack(copas.receive(socket.udp(), 10)))
          assert.same(check.pack(nil, "closed", nil), check.pack(copas.receivefrom(socket.udp())))
        end)
      end)

      it("is left by a thread that is removed", function()
        local got
        local first = copas.addthread(function() copas.receive(server, 10) end)
        loop.run(copas, function()
          copas.addthread(function() got = copas.receive(server, 10) end)
          copas.pause()
          client:send("x")
          copas.removethread(first)
        end)

        assert.equal("x", got)
      end)

      it("does not keep others from running, though there is always a datagram", function()
        local done = false
        loop.run(copas, function()
          while not done do
            client:send("x")
            copas.receive(server, 10)
          end
        end, function()
          copas.pause(0.02)
          done = true
        end)
      end)

      it("may be waited for in a coroutine of the user's", function()
        local got
        loop.run(copas, function()
          local words = coroutine.wrap(function()
            for _ = 1, 2 do coroutine.yield((copas.receive(server, 10))) end
          end)
          got = { words(), words() }
        end, function()
          copas.pause()
          client:send("a")
          copas.pause()
          client:send("b")
        end)

        assert.same({ "a", "b" }, got)
      end)
    end)

    describe("wrapped", function()
      local copas, wrapped, peer

      before_each(function()
        copas = loop.fresh()
        wrapped, peer = copas.wrap(server), copas.wrap(client)
      end)

      it("has a text, and methods, of its own", function()
        assert.equal(tostring(server) .. " (copas wrapped)", tostring(wrapped))
        assert.equal(server, wrapped.socket)
        assert.equal(wrapped, copas.wrap(wrapped))
        assert.equal(0, server:gettimeout())
        assert.is_nil(wrapped.ssl_params)
        assert.equal(getmetatable(wrapped), getmetatable(peer))
        assert.are_not.equal(getmetatable(wrapped), getmetatable(copas.wrap(socket.tcp())))
      end)

      it("receives, with a default size", function()
        local long = ("x"):rep(9000)
        loop.run(copas, function()
          assert.equal(8192, #wrapped:receive())
          assert.equal(9000, #wrapped:receive(10000))
          assert.same(check.pack("hello", nil, nil), check.pack(wrapped:receive()))
          local _, own = client:getsockname()
          assert.same(check.pack("from", "127.0.0.1", tonumber(own)), check.pack(wrapped:receivefrom()))
          assert.same(check.pack("pa", nil, nil), check.pack(wrapped:receivepartial(2)))
        end, function()
          for _, text in ipairs { long, long, "hello", "from", "part" } do
            copas.pause()
            client:send(text)
          end
        end)
      end)

      it("has timeouts", function()
        assert.is_true(wrapped:settimeout(0.02))
        loop.run(copas, function()
          assert.same(check.pack(nil, "timeout", nil), check.pack(wrapped:receive()))
          assert.same(check.pack(nil, "timeout", nil), check.pack(wrapped:receivefrom()))
        end)
      end)

      it("sends by the raw socket, with its results", function()
        assert.same(check.pack(5), check.pack(peer:send("hello")))
        assert.same(check.pack(1), check.pack(peer:setpeername("*")))
        assert.same(check.pack(2), check.pack(peer:sendto("hi", "127.0.0.1", port)))
        assert.same(check.pack(1), check.pack(peer:setpeername("127.0.0.1", port)))
        assert.same({ "hello", "hi" }, { server:receive(), (server:receive()) })
        local fresh = copas.wrap(socket.udp())
        assert.same(check.pack(1), check.pack(fresh:setsockname("127.0.0.1", 0)))
        fresh.socket:close()
      end)

      it("is not closed by its close", function()
        assert.same(check.pack(true), check.pack(wrapped:close()))
        assert.is_true(server:getfd() >= 0)
        assert.same(check.pack(1), check.pack(copas.close(wrapped.socket)))
        assert.equal(-1, server:getfd())
      end)

      it("knows names and options", function()
        datagrams.check_name(check.pack("127.0.0.1", port, "inet"), wrapped:getsockname())
        datagrams.check_name(check.pack("127.0.0.1", port, "inet"), peer:getpeername())
        assert.same(check.pack(nil, "not implemented by LuaSec", nil), check.pack(wrapped:getpeername()))
        assert.same(check.pack(1, nil), check.pack(wrapped:setoption("broadcast", true)))
        assert.same(check.pack(true, nil), check.pack(wrapped:getoption("broadcast")))
        assert.same(check.pack(nil, "not implemented by LuaSec"), check.pack(wrapped:getoption("nope")))
        assert.equal(server:getfd(), wrapped:getfd())
        assert.is_false(wrapped:dirty())
        assert.same(check.pack(), check.pack(wrapped:flush()))
      end)

      it("throws where streams only could do something", function()
        loop.run(copas, function()
          for _, method in ipairs { "connect", "accept", "listen", "bind", "shutdown", "getstats", "setstats" } do
            check.error("attempt to call", wrapped[method], wrapped)
          end
        end)
      end)
    end)
  end)
end
