-- Unix sockets: LuaSocket's interface, which LuaSocket itself is asked for too, and what threads do with it.
local check = require("support.check")
local child = require("support.child")
local loop = require("support.loop")
local paths = require("support.paths")

local native = require("copas.socket.unix")
local luasocket = require("socket.unix")
local gettime = require("copas.socket").gettime

for name, unix in pairs { ["the native module"] = native, ["LuaSocket"] = luasocket } do
  local is_native = unix == native

  describe("Unix sockets of " .. name, function()
    after_each(paths.remove)

    it("are made by a module that may be called", function()
      assert.equal(unix.stream, unix.tcp)
      assert.equal(unix.dgram, unix.udp)
      assert.matches("^unixstream{master}: 0x%x+$", tostring(unix()))
      assert.matches("^unixstream{master}", tostring(unix.stream()))
      assert.matches("^unixdgram{unconnected}: 0x%x+$", tostring(unix.dgram()))
    end)

    describe("for streams", function()
      local path, server, client, accepted

      before_each(function()
        path = paths.new()
        server = unix()
        assert(server:bind(path))
        assert(server:listen())
        client = unix()
        assert(client:connect(path))
        accepted = assert(server:accept())
      end)
      after_each(function()
        for _, skt in ipairs { server, client, accepted } do skt:close() end
      end)

      it("show their class", function()
        assert.matches("^unixstream{server}", tostring(server))
        assert.matches("^unixstream{client}", tostring(client))
        assert.matches("^unixstream{client}", tostring(accepted))
        assert.equal("unixstream{client}", getmetatable(client).__index.class)
      end)

      it("carry bytes", function()
        assert.same(check.pack(14, nil, nil), check.pack(client:send("line\nfive5rest")))
        client:close()

        assert.same(check.pack("line", nil, nil), check.pack(accepted:receive()))
        assert.same(check.pack("five5", nil, nil), check.pack(accepted:receive(5)))
        assert.same(check.pack("-rest", nil, nil), check.pack(accepted:receive("*a", "-")))
        assert.same(check.pack(nil, "closed", ""), check.pack(accepted:receive()))
      end)

      it("are read to the end by a call that must not wait", function()
        for pattern, result in pairs {
          ["*a"] = check.pack("rest", nil, nil),
          ["*l"] = check.pack(nil, "closed", "rest"),
          [10] = check.pack(nil, "closed", "rest"),
        } do
          local sender = unix()
          assert(sender:connect(path))
          local receiver = assert(server:accept())
          receiver:settimeout(0)
          sender:send("rest")
          sender:close()

          assert.same(result, check.pack(receiver:receive(pattern)))
          receiver:close()
        end
      end)

      it("count them", function()
        client:send("hello\n")
        accepted:receive()

        assert.same({ 0, 6 }, { client:getstats(), (select(2, client:getstats())) })
        assert.equal(6, (accepted:getstats()))
        assert.same(check.pack(1), check.pack(client:setstats(1, 2, 3)))
        assert.same({ 1, 2 }, { client:getstats(), (select(2, client:getstats())) })
      end)

      it("know their path", function()
        assert.same(check.pack(path), check.pack(server:getsockname()))
        assert.same(check.pack(""), check.pack(client:getsockname()))
        assert.same(check.pack(path), check.pack(accepted:getsockname()))
      end)

      it("end one side, or both", function()
        client:send("x")
        assert.same(check.pack(1), check.pack(client:shutdown("send")))
        assert.equal("x", accepted:receive("*a"))
        accepted:send("still there\n")
        assert.equal("still there", client:receive())
        check.error("invalid option 'x'", client.shutdown, client, "x")
      end)

      it("have limits", function()
        accepted:settimeout(0)
        assert.same(check.pack(nil, "timeout", ""), check.pack(accepted:receive()))
        server:settimeout(0.02)
        assert.same(check.pack(nil, "timeout"), check.pack(server:accept()))
      end)

      it("have a few options", function()
        assert.same(check.pack(1), check.pack(client:setoption("keepalive", true)))
        assert.same(check.pack(1), check.pack(client:setoption("reuseaddr", true)))
        assert.same(check.pack(1), check.pack(client:setoption("linger", { on = true, timeout = 1 })))
        check.error("unsupported option `tcp-nodelay'", client.setoption, client, "tcp-nodelay", true)
      end)

      it("have no methods that make no sense for them", function()
        for _, method in ipairs { "getpeername", "getoption", "gettimeout", "getfamily" } do
          assert.is_nil(client[method])
        end
      end)

      it("close as often as one likes", function()
        assert.same(check.pack(1), check.pack(client:close()))
        assert.same(check.pack(1), check.pack(client:close()))
        assert.equal(-1, client:getfd())
        assert.same(check.pack(nil, "closed", 0), check.pack(client:send("x")))
        assert.same(check.pack(nil, "closed", ""), check.pack(client:receive()))
        assert.same(check.pack(nil, "Bad file descriptor"), check.pack(client:getsockname()))
      end)

      it("refuse what objects of their class cannot do", function()
        check.error("unixstream{client} expected", server.receive, server)
        check.error("unixstream{client} expected", server.send, server, "x")
        check.error("unixstream{server} expected", client.accept, client)
        check.error("unixstream{master} expected", client.connect, client, path)
        check.error("unixstream{master} expected", client.listen, client)
        check.error("unixstream{any} expected", client.close, unix.dgram())
        check.error("unixstream{any} expected", client.close, {})
      end)

      it("refuse arguments of other types", function()
        check.error("bad argument #2", unix().bind, unix())
        check.error("bad argument #2", unix().connect, unix(), {})
        check.error("invalid receive pattern", client.receive, client, "*x")
      end)

      it("say why they cannot bind or connect", function()
        local long = ("x"):rep(200)
        assert.same(check.pack(nil, "path too long"), check.pack(unix():bind(long)))
        assert.same(check.pack(nil, "path too long"), check.pack(unix():connect(long)))
        assert.same(check.pack(nil, "address already in use"), check.pack(unix():bind(path)))
        assert.same(check.pack(nil, "No such file or directory"), check.pack(unix():connect(path .. "-not")))
        server:close()
        assert.same(check.pack(nil, "connection refused"), check.pack(unix():connect(path)))
      end)

      it("stay masters when they could not connect", function()
        local skt = unix()
        skt:connect(path .. "-not")
        assert.matches("^unixstream{master}", tostring(skt))
        if is_native then assert.same(check.pack(1), check.pack(skt:connect(path))) end -- LuaSocket closes it
        skt:close()
      end)

      it("are known by their other methods' names, too", function()
        local skt, own = unix(), paths.new()
        assert.equal(1, skt:setsockname(own))
        assert.equal(own, skt:getsockname())
        assert.equal(1, skt:setpeername(path))
        skt:close()
      end)
    end)

    describe("for streams, in a thread,", function()
      local copas, path, server

      before_each(function()
        copas = loop.fresh()
        path = paths.new()
        server = unix()
        assert(server:bind(path))
        assert(server:listen())
      end)
      after_each(function() server:close() end)

      it("are served as TCP sockets are", function()
        local names = {}
        copas.addserver(server, copas.handler(function(skt)
          names = { tostring(skt.socket):match("^unixstream{client}"), copas.getthreadname() }
          for _ = 1, 3 do skt:send(skt:receive() .. "!\n") end
        end), 5, "local")
        local got = {}
        loop.run(copas, function()
          local client = copas.wrap(unix())
          assert.same(check.pack(1, nil), check.pack(client:connect(path)))
          for index = 1, 3 do
            client:send(index .. "\n")
            got[index] = client:receive()
          end
          assert.same(check.pack(1), check.pack(client:close()))
          copas.removeserver(server)
        end)

        assert.same({ "1!", "2!", "3!" }, got)
        assert.same({ "unixstream{client}", "local:handler_1" }, names)
      end)

      it("have the methods of TCP's wrappers", function()
        local wrapped = copas.wrap(server)
        assert.equal(getmetatable(copas.wrap(require("copas.socket").tcp())), getmetatable(wrapped))
        assert.equal(path, (wrapped:getsockname()))
        assert.same(check.pack(nil, "not implemented by LuaSec", nil), check.pack(wrapped:getpeername()))
        assert.same(check.pack(1, nil), check.pack(wrapped:setoption("reuseaddr", true)))
      end)

      it("carry much", function()
        local long = ("0123456789"):rep(100000)
        copas.addserver(server, function(skt)
          copas.send(skt, copas.receive(skt, #long))
          copas.removeserver(server)
        end)
        local client = unix()
        loop.run(copas, function()
          assert.equal(1, (copas.connect(client, path)))
          copas.addthread(function() copas.send(client, long) end)
          assert.is_true(long == copas.receive(client, "*a"))
        end)
        client:close()
      end)

      it("have timeouts", function()
        local client = unix()
        loop.run(copas, function()
          copas.connect(client, path)
          copas.settimeout(client, 0.02)
          assert.same(check.pack(nil, "timeout", ""), check.pack(copas.receive(client)))
        end)
        client:close()
      end)

      it("wake those who wait for them when they are closed", function()
        local client, got = unix(), nil
        loop.run(copas, function()
          copas.connect(client, path)
          copas.addthread(function() got = check.pack(copas.receive(client)) end)
          copas.pause(0.01)
          copas.close(client)
        end)

        assert.same(check.pack(nil, "closed", ""), got)
      end)

      it("say why they cannot connect", function()
        loop.run(copas, function()
          assert.same(check.pack(nil, "path too long"), check.pack(copas.connect(unix(), ("x"):rep(200))))
          assert.same(check.pack(nil, "No such file or directory"), check.pack(copas.connect(unix(), path .. "-not")))
          server:close()
          assert.same(check.pack(nil, "connection refused"), check.pack(copas.connect(unix(), path)))
        end)
      end)

      it("talk to other programs", function()
        if not child.has("socat") then return pending("no socat here") end
        copas.addserver(server, function(skt)
          copas.send(skt, "got " .. copas.receive(skt) .. "\n")
          copas.removeserver(server)
        end)
        local pipe = io.popen(("echo hello | socat -t 10 - UNIX-CONNECT:%s 2>&1"):format(path))
        copas.loop()

        assert.equal("got hello\n", pipe:read("*a"))
        pipe:close()
      end)
    end)

    describe("for datagrams", function()
      local path, server, client

      before_each(function()
        path = paths.new()
        server = unix.dgram()
        assert(server:bind(path))
        client = unix.dgram()
      end)
      after_each(function()
        server:close()
        client:close()
      end)

      it("carry them whole, with the sender's path", function()
        local own = paths.new()
        assert.same(check.pack(1), check.pack(client:bind(own)))
        assert.same(check.pack(5), check.pack(client:sendto("hello", path)))
        assert.same(check.pack(0), check.pack(client:sendto("", path)))
        assert.same(check.pack(4), check.pack(client:sendto("1234", path)))

        assert.same(check.pack("hello", own), check.pack(server:receivefrom()))
        assert.same(check.pack(""), check.pack(server:receive()))
        assert.same(check.pack("12"), check.pack(server:receive(2)))
        assert.same(check.pack(path), check.pack(server:getsockname()))
      end)

      it("may be sent from nowhere", function()
        client:sendto("hello", path)

        assert.same(check.pack("hello", ""), check.pack(server:receivefrom()))
      end)

      it("go to a peer", function()
        assert.same(check.pack(1), check.pack(client:connect(path)))
        assert.matches("^unixdgram{connected}", tostring(client))
        assert.same(check.pack(5), check.pack(client:send("hello")))

        assert.equal("hello", server:receive())
      end)

      it("are not received in time", function()
        server:settimeout(0)
        assert.same(check.pack(nil, "timeout"), check.pack(server:receive()))
        assert.same(check.pack(nil, "timeout"), check.pack(server:receivefrom()))
        assert.same(check.pack(0, -1), check.pack(server:gettimeout()))
      end)

      it("say why they cannot go", function()
        local long = ("x"):rep(200)
        assert.same(check.pack(nil, "path too long"), check.pack(client:sendto("x", long)))
        assert.same(check.pack(nil, "path too long"), check.pack(client:connect(long)))
        assert.same(check.pack(nil, "path too long"), check.pack(client:bind(long)))
        assert.same(check.pack(nil, "No such file or directory"), check.pack(client:sendto("x", path .. "-not")))
        assert.same(check.pack(nil, "No such file or directory"), check.pack(client:connect(path .. "-not")))
        assert.same(check.pack(nil, "address already in use"), check.pack(unix.dgram():bind(path)))
        assert.matches("^unixdgram{unconnected}", tostring(client))
        client:close()
        client = unix.dgram()
        client:connect(path)
        server:close()
        assert.same(check.pack(nil, "connection refused"), check.pack(client:send("x")))
        client:close()
        assert.same(check.pack(nil, "refused"), check.pack(client:send("x")))
      end)

      it("wait for room in the receiver's queue no longer than their limit", function()
        client:settimeout(0)
        local sent = 0
        while client:sendto("x", path) do sent = sent + 1 end
        assert.is_true(sent > 0)
        if not is_native then return end -- LuaSocket waits for what is no room

        client:settimeout(0.02)
        local start = gettime()
        assert.same(check.pack(nil, "timeout"), check.pack(client:sendto("x", path)))
        assert.is_true(gettime() - start >= 0.02)
      end)

      it("refuse what objects of their class cannot do", function()
        check.error("unixdgram{connected} expected", client.send, client, "x")
        client:connect(path)
        check.error("unixdgram{unconnected} expected", client.sendto, client, "x", path)
        check.error("unixdgram{unconnected} expected", client.receivefrom, client)
        check.error("unixdgram{any} expected", client.close, unix())
        check.error("bad argument #3", server.sendto, server, "x")
        check.error("bad argument #2", server.sendto, server, nil, path)
        check.error("unsupported option `broadcast'", client.setoption, client, "broadcast", true)
      end)

      it("are waited for in a thread", function()
        local copas = loop.fresh()
        local own = paths.new()
        client:bind(own)
        client:settimeout(0)
        local got = {}
        copas.addserver(server, copas.handler(function(skt)
          for index = 1, 3 do got[index] = check.pack(skt:receivefrom()) end
          skt:sendto("bye", own)
        end), nil, "local")
        loop.run(copas, function()
          for _, text in ipairs { "a", "", "b" } do
            assert.same(check.pack(#text), check.pack(copas.sendto(client, text, path)))
            copas.pause()
          end
          assert.same(check.pack("bye", nil, nil), check.pack(copas.receive(client, 10)))
          copas.settimeout(client, 0.02)
          assert.same(check.pack(nil, "timeout", nil), check.pack(copas.receivefrom(client)))
        end)

        assert.same({ check.pack("a", own, nil), check.pack("", own, nil), check.pack("b", own, nil) }, got)
      end)

      it("wait in a thread for room in their peer's queue", function()
        local copas = loop.fresh()
        client:connect(path)
        client:settimeout(0)
        server:settimeout(0)
        local got = {}
        loop.run(copas, function()
          for index = 1, 100 do assert.same(check.pack(#tostring(index), nil, nil), check.pack(copas.send(client, index))) end
        end, function()
          copas.pause(0.01)
          for index = 1, 100 do got[index] = copas.receive(server, 10) end
        end)

        assert.equal("100", got[100])
      end)

      it("wake those who wait for them when they are closed", function()
        local copas = loop.fresh()
        server:settimeout(0)
        local got = {}
        copas.addthread(function() got[1] = check.pack(copas.receive(server, 10)) end)
        copas.addthread(function() got[2] = check.pack(copas.receivefrom(server)) end)
        loop.run(copas, function()
          copas.pause()
          copas.close(server)
        end)

        assert.same({ check.pack(nil, "closed", nil), check.pack(nil, "closed", nil) }, got)
      end)
    end)
  end)
end
