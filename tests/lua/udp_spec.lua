-- UDP: LuaSocket's interface, which LuaSocket itself is asked for too. Threads: udp_threads_spec, udp_servers_spec.
local check = require("support.check")
local datagrams = require("support.datagrams")
local kinds = require("support.kinds")
local loop = require("support.loop")
local sockets = require("support.sockets")

for name, socket in pairs(kinds.libraries) do
  local is_native = socket == kinds.native

  describe("UDP of " .. name, function()
    local server, port, client

    before_each(function() server, port, client = datagrams.pair(socket) end)
    after_each(function() sockets.close(server, client) end)

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
        assert.same(check.pack(1), check.pack(server:setpeername("127.0.0.1", port)))
        assert.matches("^udp{connected}", tostring(server))
        assert.same(check.pack(1), check.pack(server:setpeername("*")))
        assert.matches("^udp{unconnected}", tostring(server))
      end)

      it("receive from anybody again when they have no peer any more", function()
        local other = socket.udp()
        other:setsockname("127.0.0.1", 0)
        local ip, own_port = client:getsockname()
        client:setpeername("*")
        client:setsockname(ip, own_port) -- some systems forget it
        other:sendto("hello", ip, own_port)
        client:settimeout(5)

        assert.equal("hello", (client:receive()))
        other:close()
      end)

      it("refuse what objects of their class cannot do", function()
        check.error("udp{connected} expected", server.send, server, "x")
        check.error("udp{connected} expected", server.getpeername, server)
        check.error("udp{unconnected} expected", client.sendto, client, "x", "127.0.0.1", port)
        check.error("udp{unconnected} expected", client.receivefrom, client)
        check.error("udp{unconnected} expected", client.setsockname, client, "*", 0)
        check.error("udp{any} expected", server.close, socket.tcp())
        check.error("udp{any} expected", server.close, {})
        check.error("tcp{any} expected", socket.tcp().close, server)
      end)

      it("refuse arguments of other types", function()
        check.error("bad argument #2", client.send, client, {})
        check.error("bad argument #2", client.send, client)
        check.error("bad argument #2", server.sendto, server, nil, "127.0.0.1", port)
        check.error("bad argument #3", server.sendto, server, "x")
        check.error("bad argument #4", server.sendto, server, "x", "127.0.0.1")
        check.error("bad argument #4", server.sendto, server, "x", "127.0.0.1", {})
        check.error("number expected, got string", server.receive, server, "*l")
        check.error("number expected, got table", server.receivefrom, server, {})
        check.error("bad argument #2", server.setsockname, server)
        check.error("bad argument #3", server.setsockname, server, "127.0.0.1")
        check.error("bad argument #3", server.setpeername, server, "127.0.0.1")
        check.error("invalid timeout mode", server.settimeout, server, 1, "x")
      end)

      it("know their names", function()
        datagrams.check_name(check.pack("127.0.0.1", port, "inet"), server:getsockname())
        datagrams.check_name(check.pack("127.0.0.1", port, "inet"), client:getpeername())
        assert.same(check.pack(nil, "Bad file descriptor"), check.pack(socket.udp():getsockname()))
      end)

      it("keep their limits", function()
        assert.same(check.pack(-1, -1), check.pack(server:gettimeout()))
        assert.same(check.pack(1), check.pack(server:settimeout(0.5)))
        server:settimeout(2, "t")
        assert.same(check.pack(0.5, 2), check.pack(server:gettimeout()))
      end)

      it("are never dirty", function()
        client:send("x")

        assert.is_false(server:dirty())
      end)

      it("give their descriptor away, and take over another", function()
        local fd = server:getfd()
        assert.same(check.pack(), check.pack(server:setfd(-1)))
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
        assert.same(check.pack(5), check.pack(client:send("hello")))
        assert.same(check.pack(0), check.pack(client:send("")))
        assert.same(check.pack(2), check.pack(client:send(12)))
        assert.same({ "hello", "", "12" }, { server:receive(), server:receive(), (server:receive()) })
      end)

      it("datagrams to an address, and receives the answer at a port of its own", function()
        local skt = socket.udp()
        assert.same(check.pack(4), check.pack(skt:sendto("what", "127.0.0.1", port)))
        local data, ip, from = server:receivefrom()
        assert.same({ "what", "127.0.0.1" }, { data, ip })
        assert.same(check.pack(0), check.pack(server:sendto("", ip, from)))
        assert.same(check.pack(6), check.pack(server:sendto("answer", ip, tostring(from))))

        assert.equal("", skt:receive())
        assert.same(check.pack("answer", "127.0.0.1", port), check.pack(skt:receivefrom()))
        skt:close()
      end)

      it("to no address of another family", function()
        assert.is_nil((socket.udp4():sendto("x", "::1", port)))
      end)

      it("and hears later that nobody is there", function()
        local skt = datagrams.connect(socket, datagrams.deaf_port(socket))
        skt:send("x")

        assert.same(check.pack(nil, "connection refused"), check.pack(skt:receive()))
        skt:close()
      end)

      it("nothing that is too long", function()
        assert.same(check.pack(nil, "Message too long"), check.pack(client:send(("x"):rep(70000))))
      end)

      it("nothing once it is closed", function()
        client:close()
        server:close()

        assert.same(check.pack(nil, "refused"), check.pack(client:send("x")))
        assert.same(check.pack(nil, "refused"), check.pack(server:sendto("x", "127.0.0.1", port)))
      end)
    end)

    describe("receives", function()
      it("one datagram at a time", function()
        client:send("one")
        client:send("two")

        assert.same(check.pack("one"), check.pack(server:receive()))
        assert.same(check.pack("two"), check.pack(server:receive()))
      end)

      it("with the sender's address", function()
        client:send("hello")

        local _, own = client:getsockname()
        assert.same(check.pack("hello", "127.0.0.1", tonumber(own)), check.pack(server:receivefrom()))
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
        assert.same(check.pack(nil, "timeout"), check.pack(server:receive()))
        assert.same(check.pack(nil, "timeout"), check.pack(server:receivefrom()))
        for _, mode in ipairs { "b", "t" } do
          server:settimeout(-1, mode == "b" and "t" or "b")
          server:settimeout(0.02, mode)
          local start = socket.gettime()
          assert.same(check.pack(nil, "timeout"), check.pack(server:receive()))
          assert.is_true(socket.gettime() - start >= (is_native and 0.02 or 0.015)) -- LuaSocket rounds
        end
      end)
    end)

    describe("closes", function()
      it("as often as one likes", function()
        assert.same(check.pack(1), check.pack(server:close()))
        assert.same(check.pack(1), check.pack(server:close()))
        assert.equal(-1, server:getfd())
        assert.same(check.pack(1), check.pack(socket.udp():close()))
      end)

      it("and has no names and options any more", function()
        server:close()

        assert.same(check.pack(nil, "Bad file descriptor"), check.pack(server:getsockname()))
        assert.same(check.pack(nil, "setsockopt failed"), check.pack(server:setoption("broadcast", true)))
        assert.same(check.pack(nil, "getsockopt failed"), check.pack(server:getoption("broadcast")))
        assert.is_false(server:dirty())
      end)

      it("and may be bound again", function()
        server:close()

        assert.same(check.pack(1), check.pack(server:setsockname("127.0.0.1", 0)))
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
        assert.same(check.pack(1), check.pack(again:setsockname("127.0.0.1", own)))
        again:close()
      end)
    end)

    describe("binds", function()
      it("to no port that is taken", function()
        assert.same(check.pack(nil, "address already in use"), check.pack(socket.udp():setsockname("127.0.0.1", port)))
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
        assert.same(check.pack(1), check.pack(skt:setsockname("*", 0)))
        local _, own = skt:getsockname()
        server:sendto("hello", "127.0.0.1", own)

        assert.equal("hello", skt:receive())
        skt:close()
      end)

      it("to no name that nobody knows", function()
        local err = "host or service not provided, or not known"
        assert.same(check.pack(nil, err), check.pack(socket.udp():setsockname("no-such-host.invalid", 0)))
        assert.same(check.pack(nil, err), check.pack(socket.udp():setpeername("no-such-host.invalid", 1)))
      end)
    end)

    it("talks IPv6", function()
      if not datagrams.has_ipv6(socket) then return pending("no IPv6 here") end
      local six, six_port = datagrams.bind(socket, "::1")
      local other = socket.udp6()
      assert.equal("inet6", other:getfamily())
      assert.same(check.pack(5), check.pack(other:sendto("hello", "::1", six_port)))

      local data, ip, from = six:receivefrom()
      assert.same({ "hello", "::1" }, { data, ip })
      six:sendto("answer", ip, from)
      assert.equal("answer", other:receive())
      datagrams.check_name(check.pack("::1", six_port, "inet6"), six:getsockname())
      six:close()
      other:close()
    end)

    describe("has options", function()
      it("that are true or false", function()
        for _, option in ipairs { "dontroute", "broadcast", "reuseaddr", "reuseport", "ip-multicast-loop" } do
          for _, value in ipairs { true, false } do
            assert.same(check.pack(1), check.pack(server:setoption(option, value)), option)
            assert.same(check.pack(value), check.pack(server:getoption(option)), option)
          end
          check.error("boolean expected, got number", server.setoption, server, option, 1)
          check.error("boolean expected, got nil", server.setoption, server, option, nil)
        end
      end)

      it("that are numbers", function()
        for _, option in ipairs { "recv-buffer-size", "send-buffer-size" } do
          assert.same(check.pack(1), check.pack(server:setoption(option, 20000)), option)
          assert.is_true(server:getoption(option) >= 20000)
        end
        assert.same(check.pack(1), check.pack(server:setoption("ip-multicast-ttl", 3)))
      end)

      it("of IPv6", function()
        if not datagrams.has_ipv6(socket) then return pending("no IPv6 here") end
        local six = socket.udp6()
        assert.is_true(six:getoption("ipv6-v6only"))
        assert.same(check.pack(1), check.pack(six:setoption("ipv6-unicast-hops", 5)))
        assert.equal(5, six:getoption("ipv6-unicast-hops"))
        assert.same(check.pack(1), check.pack(six:setoption("ipv6-multicast-hops", 5)))
        assert.same(check.pack(1), check.pack(six:setoption("ipv6-multicast-loop", false)))
        assert.is_false(six:getoption("ipv6-multicast-loop"))
        assert.same(check.pack(nil, "getsockopt failed"), check.pack(server:getoption("ipv6-unicast-hops")))
        six:close()
      end)

      it("for multicast", function()
        assert.same(check.pack(1), check.pack(server:setoption("ip-multicast-if", "127.0.0.1")))
        assert.equal("127.0.0.1", server:getoption("ip-multicast-if"))
        assert.same(check.pack(1), check.pack(server:setoption("ip-multicast-if", "*")))
        check.error("ip expected", server.setoption, server, "ip-multicast-if", "no ip")
        for _, option in ipairs { "ip-add-membership", "ip-drop-membership" } do
          assert.same(check.pack(1), check.pack(server:setoption(option, { multiaddr = "224.0.0.251", interface = "127.0.0.1" })))
        end
      end)

      it("for memberships, which need two addresses", function()
        local function refused(message, value)
          check.error(message, server.setoption, server, "ip-add-membership", value)
          check.error(message, server.setoption, server, "ip-drop-membership", value)
        end
        refused("table expected, got string", "224.0.0.251")
        refused("string 'multiaddr' field expected", {})
        refused("invalid 'multiaddr' ip address", { multiaddr = "x", interface = "*" })
        refused("string 'interface' field expected", { multiaddr = "224.0.0.251" })
        refused("invalid 'interface' ip address", { multiaddr = "224.0.0.251", interface = "x" })
        for _, option in ipairs { "ipv6-add-membership", "ipv6-drop-membership" } do
          check.error("string 'multiaddr' field expected", server.setoption, server, option, {})
          check.error("invalid 'multiaddr' ip address", server.setoption, server, option, { multiaddr = "x" })
          check.error("number 'interface' field expected", server.setoption, server, option,
            { multiaddr = "ff02::1", interface = "x" })
        end
      end)

      it("that can only be set, and are not told", function()
        for _, option in ipairs { "ip-multicast-ttl", "ip-add-membership", "ip-drop-membership", "ipv6-add-membership",
                                  "ipv6-drop-membership" } do
          check.error("unsupported option `" .. option .. "'", server.getoption, server, option)
        end
      end)

      it("for the last error", function()
        assert.same(check.pack(nil), check.pack(server:getoption("error")))
        check.error("unsupported option `error'", server.setoption, server, "error", 1)
      end)

      it("but none of TCP, and none that nobody knows", function()
        for _, option in ipairs { "keepalive", "tcp-nodelay", "linger", "nope" } do
          check.error("unsupported option `" .. option .. "'", server.getoption, server, option)
          check.error("unsupported option `" .. option .. "'", server.setoption, server, option, true)
        end
        check.error("unsupported option `broadcast'", socket.tcp().getoption, socket.tcp(), "broadcast")
      end)
    end)
  end)
end
