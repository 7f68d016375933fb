-- UDP: LuaSocket's interface, which LuaSocket itself is asked for too, and what threads do with it.
local child = require("support.child")
local datagrams = require("support.datagrams")
local loop = require("support.loop")
local sockets = require("support.sockets")

local native = require("copas.socket")
local luasocket = require("socket")

local function pack(...) return { n = select("#", ...), ... } end

local function check_error(message, f, ...)
  local ok, err = pcall(f, ...)
  assert.is_false(ok)
  assert.matches(message, err, 1, true)
end

-- LuaSocket gives the port as a string.
local function check_name(expected, ...)
  local got = pack(...)
  got[2] = tonumber(got[2])
  assert.same(expected, got)
end

local function has_ipv6(socket)
  local skt = socket.udp6()
  local ok = skt and skt:setsockname("::1", 0)
  if skt then skt:close() end
  return ok ~= nil
end

for name, socket in pairs { ["the native module"] = native, ["LuaSocket"] = luasocket } do
  local is_native = socket == native

  describe("UDP of " .. name, function()
    local server, port, client

    before_each(function()
      server, port = datagrams.bind(socket)
      client = datagrams.connect(socket, port)
    end)
    after_each(function()
      server:close()
      client:close()
    end)

    describe("objects", function()
      it("show their class", function()
        assert.matches("^udp{unconnected}: 0x%x+$", tostring(server))
        assert.matches("^udp{connected}: 0x%x+$", tostring(client))
        assert.equal("udp{unconnected}", getmetatable(server).__index.class)
      end)

      it("have no descriptor before they need one, unless their family is known", function()
        assert.equal(-1, socket.udp():getfd())
        assert.is_true(socket.udp4():getfd() >= 0)
        assert.equal("inet4", socket.udp():getfamily())
        assert.equal("inet4", socket.udp4():getfamily())
      end)

      it("change their class with their peer", function()
        assert.same(pack(1), pack(server:setpeername("127.0.0.1", port)))
        assert.matches("^udp{connected}", tostring(server))
        assert.same(pack(1), pack(server:setpeername("*")))
        assert.matches("^udp{unconnected}", tostring(server))
      end)

      it("refuse what objects of their class cannot do", function()
        check_error("udp{connected} expected", server.send, server, "x")
        check_error("udp{connected} expected", server.getpeername, server)
        check_error("udp{unconnected} expected", client.sendto, client, "x", "127.0.0.1", port)
        check_error("udp{unconnected} expected", client.receivefrom, client)
        check_error("udp{unconnected} expected", client.setsockname, client, "*", 0)
        check_error("udp{any} expected", server.close, socket.tcp())
        check_error("udp{any} expected", server.close, {})
        check_error("tcp{any} expected", socket.tcp().close, server)
      end)

      it("refuse arguments of other types", function()
        check_error("bad argument #2", client.send, client, {})
        check_error("bad argument #2", client.send, client)
        check_error("bad argument #2", server.sendto, server, nil, "127.0.0.1", port)
        check_error("bad argument #3", server.sendto, server, "x")
        check_error("bad argument #4", server.sendto, server, "x", "127.0.0.1")
        check_error("bad argument #4", server.sendto, server, "x", "127.0.0.1", {})
        check_error("number expected, got string", server.receive, server, "*l")
        check_error("number expected, got table", server.receivefrom, server, {})
        check_error("bad argument #2", server.setsockname, server)
        check_error("bad argument #3", server.setsockname, server, "127.0.0.1")
        check_error("bad argument #3", server.setpeername, server, "127.0.0.1")
        check_error("invalid timeout mode", server.settimeout, server, 1, "x")
      end)

      it("know their names", function()
        check_name(pack("127.0.0.1", port, "inet"), server:getsockname())
        check_name(pack("127.0.0.1", port, "inet"), client:getpeername())
        assert.same(pack(nil, "Bad file descriptor"), pack(socket.udp():getsockname()))
      end)

      it("keep their limits", function()
        assert.same(pack(-1, -1), pack(server:gettimeout()))
        assert.same(pack(1), pack(server:settimeout(0.5)))
        server:settimeout(2, "t")
        assert.same(pack(0.5, 2), pack(server:gettimeout()))
      end)

      it("are never dirty", function()
        client:send("x")

        assert.is_false(server:dirty())
      end)

      it("give their descriptor away, and take over another", function()
        local fd = server:getfd()
        assert.same(pack(), pack(server:setfd(-1)))
        assert.equal(-1, server:getfd())
        local other = socket.udp()
        other:setfd(fd)
        client:send("hello")

        assert.equal("hello", other:receive())
        other:close()
      end)

      it("may be selected", function()
        assert.same({ {}, {}, "timeout" }, { socket.select({ server }, nil, 0) })
        client:send("x")
        local readable = socket.select({ server, client }, nil, 1)
        assert.equal(server, readable[1])
        assert.equal(1, #readable)
        local _, writable = socket.select(nil, { client }, 1)
        assert.equal(client, writable[1])
      end)
    end)

    describe("sends", function()
      it("datagrams to its peer, empty ones too", function()
        assert.same(pack(5), pack(client:send("hello")))
        assert.same(pack(0), pack(client:send("")))
        assert.same(pack(2), pack(client:send(12)))
        assert.same({ "hello", "", "12" }, { server:receive(), server:receive(), (server:receive()) })
      end)

      it("datagrams to an address, and receives the answer at a port of its own", function()
        local skt = socket.udp()
        assert.same(pack(4), pack(skt:sendto("what", "127.0.0.1", port)))
        local data, ip, from = server:receivefrom()
        assert.same({ "what", "127.0.0.1" }, { data, ip })
        assert.same(pack(0), pack(server:sendto("", ip, from)))
        assert.same(pack(6), pack(server:sendto("answer", ip, tostring(from))))

        assert.equal("", skt:receive())
        assert.same(pack("answer", "127.0.0.1", port), pack(skt:receivefrom()))
        skt:close()
      end)

      it("to numeric addresses only", function()
        assert.same(pack(nil, "Name or service not known"), pack(server:sendto("x", "localhost", port)))
        assert.same(pack(nil, "Name or service not known"), pack(server:sendto("x", "127.0.0.1", "http")))
        assert.is_nil((socket.udp4():sendto("x", "::1", port)))
      end)

      it("and hears later that nobody is there", function()
        local skt = datagrams.connect(socket, datagrams.deaf_port(socket))
        skt:send("x")

        assert.same(pack(nil, "connection refused"), pack(skt:receive()))
        skt:close()
      end)

      it("nothing that is too long", function()
        assert.same(pack(nil, "Message too long"), pack(client:send(("x"):rep(70000))))
      end)

      it("nothing once it is closed", function()
        client:close()
        server:close()

        assert.same(pack(nil, "refused"), pack(client:send("x")))
        assert.same(pack(nil, "refused"), pack(server:sendto("x", "127.0.0.1", port)))
      end)
    end)

    describe("receives", function()
      it("one datagram at a time", function()
        client:send("one")
        client:send("two")

        assert.same(pack("one"), pack(server:receive()))
        assert.same(pack("two"), pack(server:receive()))
      end)

      it("with the sender's address", function()
        client:send("hello")

        local _, own = client:getsockname()
        assert.same(pack("hello", "127.0.0.1", tonumber(own)), pack(server:receivefrom()))
      end)

      it("what fits, and drops the rest", function()
        for _ = 1, 3 do client:send("12345") end
        client:send("67")

        assert.equal("123", server:receive(3))
        assert.equal("1234", (server:receivefrom(4)))
        assert.equal("", server:receive(0))
        assert.equal("67", server:receive("3"))
      end)

      it("up to 8192 bytes without a size, and more with one", function()
        local long = ("x"):rep(9000)
        for _ = 1, 3 do client:send(long) end

        assert.equal(8192, #server:receive())
        assert.equal(8192, #server:receivefrom())
        assert.equal(9000, #server:receive(20000))
      end)

      it("all bytes that there are", function()
        local bytes = {}
        for byte = 0, 255 do bytes[#bytes + 1] = string.char(byte) end
        bytes = table.concat(bytes)
        client:send(bytes)

        assert.equal(bytes, server:receive())
      end)

      it("from its peer only", function()
        local _, own = client:getsockname()
        local stranger = socket.udp()
        stranger:sendto("stranger", "127.0.0.1", own)
        server:sendto("peer", "127.0.0.1", own)

        assert.equal("peer", client:receive())
        stranger:close()
      end)

      it("nothing for as long as its limits say", function()
        server:settimeout(0)
        assert.same(pack(nil, "timeout"), pack(server:receive()))
        assert.same(pack(nil, "timeout"), pack(server:receivefrom()))
        for _, mode in ipairs { "b", "t" } do
          server:settimeout(-1, mode == "b" and "t" or "b")
          server:settimeout(0.02, mode)
          local start = socket.gettime()
          assert.same(pack(nil, "timeout"), pack(server:receive()))
          assert.is_true(socket.gettime() - start >= (is_native and 0.02 or 0.015)) -- LuaSocket rounds
        end
      end)
    end)

    describe("closes", function()
      it("as often as one likes", function()
        assert.same(pack(1), pack(server:close()))
        assert.same(pack(1), pack(server:close()))
        assert.equal(-1, server:getfd())
        assert.same(pack(1), pack(socket.udp():close()))
      end)

      it("and has no names and options any more", function()
        server:close()

        assert.same(pack(nil, "Bad file descriptor"), pack(server:getsockname()))
        assert.same(pack(nil, "setsockopt failed"), pack(server:setoption("broadcast", true)))
        assert.same(pack(nil, "getsockopt failed"), pack(server:getoption("broadcast")))
        assert.is_false(server:dirty())
      end)

      it("and may be bound again", function()
        server:close()

        assert.same(pack(1), pack(server:setsockname("127.0.0.1", 0)))
        assert.is_true(server:getfd() >= 0)
      end)

      it("when it is collected", function()
        local own
        do
          local skt
          skt, own = datagrams.bind(socket)
          skt = nil
        end
        loop.collect()

        local again = socket.udp()
        assert.same(pack(1), pack(again:setsockname("127.0.0.1", own)))
        again:close()
      end)
    end)

    describe("binds", function()
      it("to no port that is taken", function()
        assert.same(pack(nil, "address already in use"), pack(socket.udp():setsockname("127.0.0.1", port)))
      end)

      it("to no address of another machine", function()
        local skt = socket.udp()
        local ok, err = skt:setsockname("192.0.2.1", 0)
        assert.is_nil(ok)
        assert.equal("string", type(err))
        if is_native then assert.equal(-1, skt:getfd()) end
      end)

      it("to all of its addresses", function()
        local skt = socket.udp()
        assert.same(pack(1), pack(skt:setsockname("*", 0)))
        local _, own = skt:getsockname()
        server:sendto("hello", "127.0.0.1", own)

        assert.equal("hello", skt:receive())
        skt:close()
      end)

      it("to no name that nobody knows", function()
        local err = "host or service not provided, or not known"
        assert.same(pack(nil, err), pack(socket.udp():setsockname("no-such-host.invalid", 0)))
        assert.same(pack(nil, err), pack(socket.udp():setpeername("no-such-host.invalid", 1)))
      end)
    end)

    it("talks IPv6", function()
      if not has_ipv6(socket) then return pending("no IPv6 here") end
      local six, six_port = datagrams.bind(socket, "::1")
      local other = socket.udp6()
      assert.equal("inet6", other:getfamily())
      assert.same(pack(5), pack(other:sendto("hello", "::1", six_port)))

      local data, ip, from = six:receivefrom()
      assert.same({ "hello", "::1" }, { data, ip })
      six:sendto("answer", ip, from)
      assert.equal("answer", other:receive())
      check_name(pack("::1", six_port, "inet6"), six:getsockname())
      six:close()
      other:close()
    end)

    describe("has options", function()
      it("that are true or false", function()
        for _, option in ipairs { "dontroute", "broadcast", "reuseaddr", "reuseport", "ip-multicast-loop" } do
          for _, value in ipairs { true, false } do
            assert.same(pack(1), pack(server:setoption(option, value)), option)
            assert.same(pack(value), pack(server:getoption(option)), option)
          end
          check_error("boolean expected, got number", server.setoption, server, option, 1)
          check_error("boolean expected, got nil", server.setoption, server, option, nil)
        end
      end)

      it("that are numbers", function()
        for _, option in ipairs { "recv-buffer-size", "send-buffer-size" } do
          assert.same(pack(1), pack(server:setoption(option, 20000)), option)
          assert.is_true(server:getoption(option) >= 20000)
        end
        assert.same(pack(1), pack(server:setoption("ip-multicast-ttl", 3)))
        check_error("unsupported option", server.getoption, server, "ip-multicast-ttl")
      end)

      it("of IPv6", function()
        if not has_ipv6(socket) then return pending("no IPv6 here") end
        local six = socket.udp6()
        assert.is_true(six:getoption("ipv6-v6only"))
        assert.same(pack(1), pack(six:setoption("ipv6-unicast-hops", 5)))
        assert.equal(5, six:getoption("ipv6-unicast-hops"))
        assert.same(pack(1), pack(six:setoption("ipv6-multicast-hops", 5)))
        assert.same(pack(1), pack(six:setoption("ipv6-multicast-loop", false)))
        assert.is_false(six:getoption("ipv6-multicast-loop"))
        assert.same(pack(nil, "getsockopt failed"), pack(server:getoption("ipv6-unicast-hops")))
        six:close()
      end)

      it("for multicast", function()
        assert.same(pack(1), pack(server:setoption("ip-multicast-if", "127.0.0.1")))
        assert.equal("127.0.0.1", server:getoption("ip-multicast-if"))
        assert.same(pack(1), pack(server:setoption("ip-multicast-if", "*")))
        check_error("ip expected", server.setoption, server, "ip-multicast-if", "no ip")
        for _, option in ipairs { "ip-add-membership", "ip-drop-membership" } do
          assert.same(pack(1), pack(server:setoption(option, { multiaddr = "224.0.0.251", interface = "127.0.0.1" })))
        end
      end)

      it("for memberships, which need two addresses", function()
        local function check(message, value)
          check_error(message, server.setoption, server, "ip-add-membership", value)
          check_error(message, server.setoption, server, "ip-drop-membership", value)
        end
        check("table expected, got string", "224.0.0.251")
        check("string 'multiaddr' field expected", {})
        check("invalid 'multiaddr' ip address", { multiaddr = "x", interface = "*" })
        check("string 'interface' field expected", { multiaddr = "224.0.0.251" })
        check("invalid 'interface' ip address", { multiaddr = "224.0.0.251", interface = "x" })
        for _, option in ipairs { "ipv6-add-membership", "ipv6-drop-membership" } do
          check_error("string 'multiaddr' field expected", server.setoption, server, option, {})
          check_error("invalid 'multiaddr' ip address", server.setoption, server, option, { multiaddr = "x" })
          check_error("number 'interface' field expected", server.setoption, server, option,
            { multiaddr = "ff02::1", interface = "x" })
        end
      end)

      it("for the last error", function()
        assert.same(pack(nil), pack(server:getoption("error")))
        check_error("unsupported option `error'", server.setoption, server, "error", 1)
      end)

      it("but none of TCP, and none that nobody knows", function()
        for _, option in ipairs { "keepalive", "tcp-nodelay", "linger", "nope" } do
          check_error("unsupported option `" .. option .. "'", server.getoption, server, option)
          check_error("unsupported option `" .. option .. "'", server.setoption, server, option, true)
        end
        check_error("unsupported option `broadcast'", socket.tcp().getoption, socket.tcp(), "broadcast")
      end)
    end)

    -- What threads do.

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
          assert.same(pack("one", nil, nil), pack(copas.receive(server, 100)))
          assert.same(pack("tw", nil, nil), pack(copas.receivepartial(server, 2)))
          assert.same(pack("three", "127.0.0.1", tonumber(own)), pack(copas.receivefrom(server)))
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
          check_error("number expected, got string", copas.receive, server)
          check_error("number expected, got string", copas.receive, server, "*l")
          check_error("number expected, got table", copas.receivefrom, server, {})
        end)
      end)

      it("refuses what objects of its class cannot do", function()
        loop.run(copas, function()
          check_error("udp{connected} expected", copas.send, server, "x")
          check_error("udp{unconnected} expected", copas.receivefrom, client)
          check_error("udp{unconnected} expected", copas.sendto, client, "x", "127.0.0.1", port)
        end)
      end)

      it("is sent to, as three values", function()
        loop.run(copas, function()
          assert.same(pack(5, nil, nil), pack(copas.send(client, "hello")))
          assert.same(pack(0, nil, nil), pack(copas.send(client, "")))
          local other = socket.udp()
          assert.same(pack(2), pack(copas.sendto(other, "hi", "127.0.0.1", port)))
          for _, text in ipairs { "hello", "", "hi" } do assert.equal(text, (copas.receive(server, 10))) end
          other:close()
        end)
      end)

      it("hears that nobody is there", function()
        local skt = datagrams.connect(socket, datagrams.deaf_port(socket))
        skt:settimeout(0)
        loop.run(copas, function()
          copas.send(skt, "x")
          assert.same(pack(nil, "connection refused", nil), pack(copas.receive(skt, 10)))
        end)
        skt:close()
      end)

      it("has timeouts", function()
        copas.settimeout(server, 0.02)
        loop.run(copas, function()
          local start = copas.gettime()
          assert.same(pack(nil, "timeout", nil), pack(copas.receive(server, 10)))
          assert.same(pack(nil, "timeout", nil), pack(copas.receivefrom(server)))
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
        copas.addthread(function() got[1] = pack(copas.receive(server, 10)) end)
        copas.addthread(function() got[2] = pack(copas.receivefrom(server)) end)
        loop.run(copas, function()
          copas.pause()
          assert.same(pack(1), pack(copas.close(server)))
          assert.same(pack(nil, "closed", nil), pack(copas.receive(server, 10)))
        end)

        assert.same({ pack(nil, "closed", nil), pack(nil, "closed", nil) }, got)
      end)

      it("is closed before it has a descriptor", function()
        loop.run(copas, function()
          assert.same(pack(nil, "closed", nil), pack(copas.receive(socket.udp(), 10)))
          assert.same(pack(nil, "closed", nil), pack(copas.receivefrom(socket.udp())))
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
          assert.same(pack("hello", nil, nil), pack(wrapped:receive()))
          local _, own = client:getsockname()
          assert.same(pack("from", "127.0.0.1", tonumber(own)), pack(wrapped:receivefrom()))
          assert.same(pack("pa", nil, nil), pack(wrapped:receivepartial(2)))
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
          assert.same(pack(nil, "timeout", nil), pack(wrapped:receive()))
          assert.same(pack(nil, "timeout", nil), pack(wrapped:receivefrom()))
        end)
      end)

      it("sends by the raw socket, with its results", function()
        assert.same(pack(5), pack(peer:send("hello")))
        assert.same(pack(1), pack(peer:setpeername("*")))
        assert.same(pack(2), pack(peer:sendto("hi", "127.0.0.1", port)))
        assert.same(pack(1), pack(peer:setpeername("127.0.0.1", port)))
        assert.same({ "hello", "hi" }, { server:receive(), (server:receive()) })
        local fresh = copas.wrap(socket.udp())
        assert.same(pack(1), pack(fresh:setsockname("127.0.0.1", 0)))
        fresh.socket:close()
      end)

      it("is not closed by its close", function()
        assert.same(pack(true), pack(wrapped:close()))
        assert.is_true(server:getfd() >= 0)
        assert.same(pack(1), pack(copas.close(wrapped.socket)))
        assert.equal(-1, server:getfd())
      end)

      it("knows names and options", function()
        check_name(pack("127.0.0.1", port, "inet"), wrapped:getsockname())
        check_name(pack("127.0.0.1", port, "inet"), peer:getpeername())
        assert.same(pack(nil, "not implemented by LuaSec", nil), pack(wrapped:getpeername()))
        assert.same(pack(1, nil), pack(wrapped:setoption("broadcast", true)))
        assert.same(pack(true, nil), pack(wrapped:getoption("broadcast")))
        assert.same(pack(nil, "not implemented by LuaSec"), pack(wrapped:getoption("nope")))
        assert.equal(server:getfd(), wrapped:getfd())
        assert.is_false(wrapped:dirty())
        assert.same(pack(), pack(wrapped:flush()))
      end)

      it("throws where streams only could do something", function()
        loop.run(copas, function()
          for _, method in ipairs { "connect", "accept", "listen", "bind", "shutdown", "getstats", "setstats" } do
            check_error("attempt to call", wrapped[method], wrapped)
          end
        end)
      end)
    end)

    describe("as a server", function()
      local copas

      before_each(function() copas = loop.fresh() end)

      -- Echoes until it is told to quit.
      local function echo(skt)
        while true do
          local data, ip, from = skt:receivefrom()
          if not data or data == "quit" then break end
          skt:sendto(data .. "!", ip, from)
        end
      end

      it("has its handler called within addserver, once, with the raw socket", function()
        local got
        assert.equal(0, select("#", copas.addserver(server, function(...) got = pack(...) end)))

        assert.same(pack(server), got)
        assert.equal(0, server:gettimeout())
        assert.is_true(copas.finished())
      end)

      it("runs its handler in a thread until that first waits", function()
        local order = {}
        copas.addserver(server, function(skt)
          order[#order + 1] = "handler"
          copas.receive(skt, 10)
          order[#order + 1] = "received"
        end)
        order[#order + 1] = "added"
        client:send("x")
        copas.loop()

        assert.same({ "handler", "added", "received" }, order)
      end)

      it("may be added by a thread, which goes on afterwards", function()
        local order, own = {}, nil
        loop.run(copas, function()
          local me = coroutine.running()
          copas.addserver(server, function(skt)
            own = coroutine.running()
            order[#order + 1] = "handler"
            local data = copas.receive(skt, 10)
            order[#order + 1] = data
          end)
          order[#order + 1] = coroutine.running() == me and "me" or "somebody else"
          copas.pause()
          client:send("x")
          copas.pause()
          assert.are_not.equal(me, own)
        end)

        assert.same({ "handler", "me", "x" }, order)
      end)

      it("may be added by another server's handler", function()
        local other, other_port = datagrams.bind(socket)
        local got
        copas.addserver(server, function(skt)
          copas.addserver(other, function(inner) got = copas.receive(inner, 10) end)
          copas.receive(skt, 10)
        end)
        client:send("x")
        local second = datagrams.connect(socket, other_port)
        second:send("y")
        copas.loop()

        assert.equal("y", got)
        other:close()
        second:close()
      end)

      it("serves clients", function()
        copas.addserver(server, copas.handler(echo))
        loop.run(copas, function()
          local peer = copas.wrap(client)
          peer:settimeout(5)
          for _, word in ipairs { "hello", "", "world" } do
            peer:send(word)
            assert.equal(word .. "!", (peer:receive()))
          end
          peer:send("quit")
        end)

        assert.is_true(server:getfd() >= 0)
      end)

      it("has a handler with a name", function()
        local names = {}
        copas.addserver(server, function(skt)
          names = { copas.getthreadname(), copas.getsocketname(skt) }
        end, nil, "echo")
        assert.same({ "echo:handler", "echo" }, names)

        copas.addserver(server, function() names = { copas.getthreadname() } end)
        assert.same({ "echo:handler" }, names)
        local other = datagrams.bind(socket)
        copas.addserver(other, function() names = { copas.getthreadname() } end)
        assert.same({ tostring(other) .. ":handler" }, names)
        other:close()
      end)

      it("has a timeout, or a name, as its third argument", function()
        local got
        copas.addserver(server, function(skt) got = pack(copas.receive(skt, 10)) end, 0.02)
        copas.loop()
        assert.same(pack(nil, "timeout", nil), got)

        copas.addserver(server, function() got = copas.getthreadname() end, "third")
        assert.equal("third:handler", got)
      end)

      it("may be wrapped, and its handler gets the raw socket", function()
        local got
        copas.addserver(copas.wrap(server), function(skt) got = skt end)

        assert.equal(server, got)
      end)

      it("is not closed when its handler ends, or fails", function()
        local errors = {}
        copas.seterrorhandler(function(...) errors[#errors + 1] = pack(...) end, true)
        copas.addserver(server, function() end)
        copas.addserver(server, function(skt)
          copas.receive(skt, 10)
          error("oops", 0)
        end)
        client:send("x")
        copas.loop()

        assert.is_true(server:getfd() >= 0)
        assert.equal("oops", errors[1][1])
        assert.equal(server, errors[1][3])
      end)

      it("tells the error handler of an error before the first wait", function()
        local errors = {}
        copas.seterrorhandler(function(err, co, skt)
          errors[#errors + 1] = { err, copas.getthreadname(co), skt }
        end, true)
        copas.addserver(server, function() error("early", 0) end, nil, "mine")

        assert.same({ "early", "mine:handler", server }, errors[1])
        assert.is_true(copas.finished())
      end)

      it("cannot run the loop in its handler", function()
        local message
        copas.addserver(server, function() message = select(2, pcall(copas.step, 0)) end)
        assert.matches("the loop runs already", message)
        assert.is_false(copas.step(0))
      end)

      it("has its handler replaced when it is added again", function()
        local got = {}
        local function handler(who)
          return function(skt)
            while true do
              local data = copas.receive(skt, 10)
              got[#got + 1] = who .. data
              if data == "quit" then return end
            end
          end
        end
        copas.addserver(server, handler("first "))
        loop.run(copas, function()
          client:send("a")
          copas.pause(0.01)
          copas.addserver(server, handler("second "))
          client:send("b")
          client:send("quit")
        end)

        assert.same({ "first a", "second b", "second quit" }, got)
      end)

      it("has a handler that removethread does not touch", function()
        local co, got
        copas.addserver(server, function(skt)
          co = coroutine.running()
          got = copas.receive(skt, 10)
        end)
        loop.run(copas, function()
          copas.removethread(co)
          client:send("x")
        end)

        assert.equal("x", got)
      end)

      it("is closed when it is removed, which its handler hears", function()
        local got
        copas.addserver(server, function(skt) got = pack(copas.receive(skt, 10)) end)
        loop.run(copas, function()
          assert.same(pack(1), pack(copas.removeserver(server)))
          assert.same(pack(1), pack(copas.removeserver(server)))
        end)

        assert.same(pack(nil, "closed", nil), got)
        assert.equal(-1, server:getfd())
      end)

      it("loses its handler when it is removed and kept open, and may be added again", function()
        local got = {}
        copas.addserver(server, function(skt) got[1] = copas.receive(skt, 10) end)
        assert.same(pack(true), pack(copas.removeserver(server, true)))
        copas.loop() -- ends
        copas.addserver(server, function(skt) got[2] = copas.receive(skt, 10) end)
        client:send("x")
        copas.loop()

        assert.same({ [2] = "x" }, got)
      end)

      it("stays open when its wrapper is removed", function()
        copas.addserver(server, function(skt) copas.receive(skt, 10) end)
        assert.same(pack(true), pack(copas.removeserver(copas.wrap(server))))
        copas.loop()

        assert.is_true(server:getfd() >= 0)
      end)

      it("may be removed by its own handler, which goes on", function()
        local got
        copas.addserver(server, function(skt)
          copas.receive(skt, 10)
          copas.removeserver(skt, true)
          got = copas.receive(skt, 10)
        end)
        loop.run(copas, function()
          client:send("x")
          client:send("y")
        end)

        assert.equal("y", got)
      end)

      it("passes further arguments and all results through copas.handler", function()
        local handler = copas.handler(function(skt, ...) return skt.socket, ... end)

        assert.same(pack(server, 1, nil, 3), pack(handler(server, 1, nil, 3)))
        assert.same(pack(server), pack(handler(copas.wrap(server))))
      end)

      it("does not go on in clear where TLS is asked for", function()
        local handler = copas.handler(function() end, { wrap = { mode = "server", protocol = "any" } })

        assert.is_false((pcall(handler, server)))
      end)
    end)

    it("talks to other programs", function()
      if not child.has("python3") then return pending("no python3 here") end
      local copas = loop.fresh()
      local got
      copas.addserver(server, copas.handler(function(skt)
        skt:settimeout(10)
        local data, ip, from = skt:receivefrom()
        skt:sendto(data:upper(), ip, from)
        got = skt:receive()
      end))
      local pipe
      loop.run(copas, function()
        pipe = io.popen(("python3 -c %s 2>&1"):format(child.quote(([[
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(10)
s.sendto(b"from python", ("127.0.0.1", %d))
data, address = s.recvfrom(100)
s.sendto(b"got " + data, address)
]]):format(port))))
      end)

      assert.equal("", pipe:read("*a"))
      pipe:close()
      assert.equal("got FROM PYTHON", got)
    end)
  end)
end

describe("UDP of both modules", function()
  it("meets in one loop", function()
    local copas = loop.fresh()
    local server, port = datagrams.bind(native)
    local client = datagrams.connect(luasocket, port)
    client:settimeout(0)
    copas.addserver(server, copas.handler(function(skt)
      for _ = 1, 20 do
        local data, ip, from = skt:receivefrom()
        skt:sendto(data .. "!", ip, from)
      end
    end))
    local got = {}
    loop.run(copas, function()
      for index = 1, 20 do
        copas.send(client, index)
        got[index] = copas.receive(client, 10)
      end
    end)

    assert.equal("20!", got[20])
    server:close()
    client:close()
  end)

  it("is an object's that says so by its methods", function()
    local copas = loop.fresh()
    local calls = {}
    local dummy = { settimeout = function() end, receivefrom = function(_, size)
      calls[#calls + 1] = size
      return "data", "ip", "port"
    end }
    loop.run(copas, function()
      local wrapped = copas.wrap(dummy)
      assert.same(pack("data", "ip", "port"), pack(wrapped:receivefrom()))
      assert.same(pack("data", "ip", "port"), pack(copas.receivefrom(dummy, 5)))
      assert.is_true(wrapped:close())
    end)

    assert.same({ 8192, 5 }, calls)
  end)
end)

describe("a native UDP socket", function()
  local copas

  before_each(function() copas = loop.fresh() end)

  it("wakes those who wait for it when its raw close is called", function()
    local skt = datagrams.bind(native)
    local got
    loop.run(copas, function() got = pack(copas.receive(skt, 10)) end, function()
      copas.pause()
      skt:close()
    end)

    assert.same(pack(nil, "closed", nil), got)
  end)

  it("says that it is closed when it has no descriptor", function()
    local skt = native.udp()
    for _ = 1, 2 do
      assert.same(pack(nil, "closed"), pack(skt:receive()))
      assert.same(pack(nil, "closed"), pack(skt:receivefrom()))
      skt:setsockname("127.0.0.1", 0)
      skt:close()
    end
  end)

  it("refuses sizes that make no sense", function()
    local skt = datagrams.bind(native)
    for _, size in ipairs { -1, 0 / 0, -math.huge } do
      check_error("invalid datagram size", skt.receive, skt, size)
      loop.run(copas, function()
        check_error("invalid datagram size", copas.receive, skt, size)
        check_error("invalid datagram size", copas.receivefrom, skt, size)
      end)
    end
    skt:close()
  end)

  it("refuses option values of other types", function()
    local skt = datagrams.bind(native)
    for _, option in ipairs { "recv-buffer-size", "send-buffer-size", "ip-multicast-ttl" } do
      check_error("number expected, got boolean", skt.setoption, skt, option, true)
    end
    skt:close()
  end)

  it("takes a size of any magnitude", function()
    local skt, port = datagrams.bind(native)
    for _, size in ipairs { 65507, 1e6, 1e300, math.huge } do
      skt:sendto("hello", "127.0.0.1", port)
      assert.equal("hello", skt:receive(size))
    end
    skt:close()
  end)

  it("binds to all IPv6 addresses if it is of that family", function()
    if not has_ipv6(native) then return pending("no IPv6 here") end
    local skt = native.udp6()
    assert.equal(1, skt:setsockname("*", 0))
    assert.equal("::", (skt:getsockname()))
    skt:close()
    local tcp = native.tcp6()
    assert.equal(1, tcp:bind("*", 0))
    assert.equal("::", (tcp:getsockname()))
    tcp:close()
  end)

  it("is collected while nobody waits, and not before", function()
    local got
    local client
    do
      local skt, port = datagrams.bind(native)
      client = datagrams.connect(native, port)
      copas.addthread(function(waited_for)
        got = copas.receive(waited_for, 10)
      end, skt)
      skt = nil
    end
    loop.run(copas, function()
      loop.collect()
      client:send("x")
    end)

    assert.equal("x", got)
    client:close()
  end)

  it("keeps a datagram that is sent while garbage is collected", function()
    local skt, port = datagrams.bind(native)
    local client = datagrams.connect(native, port)
    loop.run(copas, function()
      for index = 1, 50 do
        assert.equal(1000, #copas.receive(skt, 2000), index)
        loop.collect()
      end
    end, function()
      for index = 1, 50 do
        copas.send(client, ("%d"):format(index % 10):rep(1000))
        copas.pause()
      end
    end)
    skt:close()
    client:close()
  end)
end)
