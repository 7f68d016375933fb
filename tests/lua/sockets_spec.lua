-- The methods of LuaSocket's TCP objects. What both should do is asked of LuaSocket itself, too, so that the two agree.
local check = require("support.check")
local kinds = require("support.kinds")
local sockets = require("support.sockets")

local pack = check.pack

for name, socket in pairs(kinds.libraries) do
  local is_native = socket == kinds.native

  describe(name, function()
    local peer, client

    before_each(function() peer, client = sockets.pair(socket) end)
    after_each(function() sockets.close(peer, client) end)

    describe("object", function()
      it("has no descriptor before its family is known", function()
        local skt = socket.tcp()

        assert.equal(-1, skt:getfd())
        assert.matches("^tcp{master}: 0x%x+$", tostring(skt))
        assert.equal("inet4", skt:getfamily())
        assert.equal(1, skt:close())
        assert.equal(-1, skt:getfd())
      end)

      it("has a descriptor at once if its family is given", function()
        local four = socket.tcp4()
        assert.is_true(four:getfd() >= 0)
        assert.equal("inet4", four:getfamily())
        four:close()

        local six = socket.tcp6()
        if not six then return pending("no IPv6") end
        assert.is_true(six:getfd() >= 0)
        assert.equal("inet6", six:getfamily())
        six:close()
      end)

      it("takes a number of connections that wait without its fraction", function()
        for _, backlog in ipairs { 1.5, "7", 1e10, math.huge } do
          local server = socket.tcp()
          assert.equal(1, server:bind("127.0.0.1", 0))
          assert.equal(1, server:listen(backlog))
          server:close()
        end
      end)

      it("changes its class by listen and connect", function()
        local server = socket.tcp()
        assert.equal(1, server:bind("127.0.0.1", 0))
        assert.matches("^tcp{master}", tostring(server))
        assert.is_true(server:getfd() >= 0)
        assert.equal(1, server:listen())
        assert.matches("^tcp{server}", tostring(server))
        local _, port = server:getsockname()
        local skt = socket.tcp()
        assert.equal(1, skt:connect("127.0.0.1", port))
        assert.matches("^tcp{client}", tostring(skt))
        assert.matches("^tcp{client}", tostring(server:accept()))
        skt:close()
        server:close()
      end)

      it("becomes a client also by a connect that failed", function()
        local skt = socket.tcp()
        skt:connect("127.0.0.1", sockets.deaf_port(socket))

        assert.matches("^tcp{client}", tostring(skt))
        skt:close()
      end)

      it("tells its class to those who ask the metatable", function()
        assert.equal("tcp{master}", getmetatable(socket.tcp()).__index.class)
        assert.equal("tcp{client}", getmetatable(client).__index.class)
      end)

      it("has its methods by both names", function()
        local server = socket.tcp()
        assert.equal(1, server:setsockname("*", 0))
        assert.equal("0.0.0.0", (server:getsockname()))
        server:listen()
        local _, port = server:getsockname()
        local skt = socket.tcp()
        assert.equal(1, skt:setpeername("127.0.0.1", port))
        skt:close()
        server:close()
      end)

      it("refuses methods of other classes", function()
        local master = socket.tcp()
        local server = sockets.listen(socket)
        local wrong = {
          { "tcp{client} expected", master, { "receive", "send", "shutdown", "getstats", "setstats" } },
          { "tcp{server} expected", master, { "accept" } },
          { "tcp{client} expected", server, { "receive", "send", "shutdown", "getstats", "setstats" } },
          { "tcp{master} expected", server, { "bind", "listen" } },
          { "tcp{master} expected", client, { "bind", "listen" } },
          { "tcp{server} expected", client, { "accept" } },
        }
        for _, case in ipairs(wrong) do
          local message, skt, methods = case[1], case[2], case[3]
          for _, method in ipairs(methods) do check.error(message, skt[method], skt, "127.0.0.1", 0) end
        end
        server:close()
      end)

      it("refuses to be anything else", function()
        check.error("expected", client.receive, {})
        check.error("expected", client.getfd, 12)
        check.error("expected", client.close)
        check.error("expected", client.close, io.stdout)
      end)

      it("has the descriptor that it is given", function()
        local fd = client:getfd()
        assert.is_true(fd >= 0)
        assert.equal(0, select("#", client:setfd(-1)))
        assert.equal(-1, client:getfd())
        local other = socket.tcp()
        other:setfd(fd)
        assert.equal(fd, other:getfd())
        other:close()
        assert.equal("closed", (select(2, peer:receive())))
      end)

      it("closes its descriptor when it is collected", function()
        local left, right = sockets.pair(socket)
        left = nil -- luacheck: ignore
        collectgarbage()
        collectgarbage()

        right:settimeout(5)
        assert.equal("closed", (select(2, right:receive())))
        right:close()
      end)
    end)

    describe("accept", function()
      it("gives up after the timeout", function()
        local server = sockets.listen(socket)
        server:settimeout(0)
        assert.same(pack(nil, "timeout"), pack(server:accept()))
        server:settimeout(0.03)
        local start = socket.gettime()
        assert.same(pack(nil, "timeout"), pack(server:accept()))
        assert.is_true(socket.gettime() - start >= 0.029)
        server:close()
      end)

      it("says that the server is closed", function()
        local server = sockets.listen(socket)
        server:close()

        assert.same(pack(nil, "closed"), pack(server:accept()))
      end)

      it("gives clients without timeout", function()
        local server, port = sockets.listen(socket)
        server:settimeout(2)
        local skt = socket.connect("127.0.0.1", port)
        local accepted = server:accept()

        assert.same(pack(-1, -1), pack(accepted:gettimeout()))
        for _, each in ipairs { skt, accepted, server } do each:close() end
      end)
    end)

    describe("shutdown", function()
      it("ends one direction", function()
        assert.same(pack(1), pack(client:shutdown("send")))
        assert.same(pack(nil, "closed", ""), pack(peer:receive()))
        peer:send("still there\n")
        assert.equal("still there", (client:receive()))
      end)

      it("ends both directions if nothing else is said", function()
        assert.equal(1, client:shutdown())
        client:settimeout(5)
        assert.same(pack(nil, "closed", ""), pack(client:receive()))
        assert.equal("closed", (select(2, client:send("x"))))
      end)

      it("takes three modes", function()
        assert.equal(1, client:shutdown("receive"))
        assert.equal(1, client:shutdown("both"))
        check.error("invalid option 'neither'", client.shutdown, client, "neither")
      end)
    end)

    describe("close", function()
      it("gives one, whenever it is called", function()
        assert.same(pack(1), pack(client:close()))
        assert.same(pack(1), pack(client:close()))
        assert.same(pack(1), pack(socket.tcp():close()))
        local server = sockets.listen(socket)
        assert.same(pack(1), pack(server:close()))
        assert.same(pack(1), pack(server:close()))
      end)

      it("leaves an object that says so", function()
        client:close()

        assert.equal(-1, client:getfd())
        assert.same(pack(nil, "Bad file descriptor"), pack(client:getsockname()))
        assert.same(pack(nil, "Bad file descriptor"), pack(client:getpeername()))
        assert.same(pack(nil, "setsockopt failed"), pack(client:setoption("keepalive", true)))
        assert.same(pack(nil, "getsockopt failed"), pack(client:getoption("keepalive")))
        assert.same(pack(1), pack(client:shutdown()))
        assert.is_false(client:dirty())
        assert.matches("^tcp{client}", tostring(client))
      end)
    end)

    describe("names", function()
      it("are address, port and family", function()
        local ip, port, family = client:getpeername()
        assert.same({ "127.0.0.1", "inet" }, { ip, family })
        local own_ip, own_port, own_family = peer:getsockname()
        assert.same({ ip, tostring(port), family }, { own_ip, tostring(own_port), own_family })
        assert.equal(3, select("#", client:getsockname()))
      end)

      it("fail without a connection", function()
        local server = sockets.listen(socket)
        assert.same(pack(nil, "Transport endpoint is not connected"), pack(server:getpeername()))
        server:close()
        assert.same(pack(nil, "Bad file descriptor"), pack(socket.tcp():getsockname()))
      end)
    end)

    describe("timeouts", function()
      it("are told as they were set", function()
        local skt = socket.tcp()
        assert.same(pack(-1, -1), pack(skt:gettimeout()))
        assert.same(pack(1), pack(skt:settimeout(0.5)))
        assert.same(pack(0.5, -1), pack(skt:gettimeout()))
        skt:settimeout(2, "t")
        assert.same(pack(0.5, 2), pack(skt:gettimeout()))
        skt:settimeout(3, "r")
        assert.same(pack(0.5, 3), pack(skt:gettimeout()))
        skt:settimeout()
        skt:settimeout(nil, "t")
        assert.same(pack(-1, -1), pack(skt:gettimeout()))
        skt:settimeout(0, "b")
        assert.same(pack(0, -1), pack(skt:gettimeout()))
      end)

      it("have two modes", function()
        check.error("invalid timeout mode", client.settimeout, client, 1, "x")
        check.error("number expected", client.settimeout, client, "soon")
      end)

      it("of mode b limit each wait", function()
        client:settimeout(0.05)
        local start = socket.gettime()
        assert.equal("timeout", (select(2, client:receive())))
        local took = socket.gettime() - start
        assert.is_true(took >= 0.049 and took < 3)
      end)

      it("of mode t limit the whole call", function()
        client:settimeout(5)
        client:settimeout(0.05, "t")
        local start = socket.gettime()
        assert.equal("timeout", (select(2, client:receive())))
        local took = socket.gettime() - start
        assert.is_true(took >= 0.049 and took < 3)
      end)

      it("of zero try once", function()
        for _, mode in ipairs { "b", "t" } do
          client:settimeout()
          client:settimeout(nil, "t")
          client:settimeout(0, mode)
          assert.same(pack(nil, "timeout", ""), pack(client:receive()))
          peer:send("line\n")
          socket.select({ client }, nil, 5)
          assert.equal("line", (client:receive()))
        end
      end)
    end)

    describe("statistics", function()
      it("count what was taken from the stream and what was sent", function()
        assert.equal(3, select("#", client:getstats()))
        client:send("12345")
        peer:receive(5)
        peer:send("one\r\ntwo\n")
        client:receive()

        local received, sent, age = client:getstats()
        assert.same({ 5, 5 }, { received, sent })
        assert.is_true(age >= 0 and age < 60)
        assert.equal(5, (peer:getstats()))
      end)

      it("may be set", function()
        assert.same(pack(1), pack(client:setstats(10, 20, 30)))
        local received, sent, age = client:getstats()
        assert.same({ 10, 20 }, { received, sent })
        assert.is_true(age >= 29.9 and age < 90)
        client:send("x")
        assert.equal(21, (select(2, client:getstats())))
        client:setstats(2.5, "3.5")
        received, sent = client:getstats()
        assert.same({ 2, 3 }, { received, sent })
      end)

      it("stay what they are if they are not given", function()
        client:setstats(10, 20, 30)
        client:setstats(11)
        client:setstats()

        local received, sent, age = client:getstats()
        assert.same({ 11, 20 }, { received, sent })
        assert.is_true(age >= 29.9 and age < 90)
      end)
    end)

    describe("options", function()
      it("that are boolean can be set and told", function()
        for _, option in ipairs { "keepalive", "reuseaddr", "reuseport", "tcp-nodelay" } do
          for _, value in ipairs { true, false } do
            assert.same(pack(1), pack(client:setoption(option, value)), option)
            assert.same(pack(value), pack(client:getoption(option)), option)
          end
        end
      end)

      it("that are numbers can be set and told", function()
        for _, option in ipairs { "tcp-keepidle", "tcp-keepcnt", "tcp-keepintvl" } do
          assert.same(pack(1), pack(client:setoption(option, 7)), option)
          assert.same(pack(7), pack(client:getoption(option)), option)
        end
        for _, option in ipairs { "recv-buffer-size", "send-buffer-size" } do
          assert.equal(1, client:setoption(option, 20000), option)
          assert.is_true(client:getoption(option) >= 20000, option)
        end
      end)

      it("that are alike do not change each other", function()
        for value, option in ipairs { "tcp-keepidle", "tcp-keepcnt", "tcp-keepintvl" } do
          client:setoption(option, 10 + value)
        end
        client:setoption("reuseaddr", false)
        client:setoption("reuseport", true)

        assert.same({ 11, 12, 13 }, { (client:getoption("tcp-keepidle")), (client:getoption("tcp-keepcnt")),
                                      (client:getoption("tcp-keepintvl")) })
        assert.is_false(client:getoption("reuseaddr"))
      end)

      it("linger can be turned off", function()
        client:setoption("linger", { on = true, timeout = 3 })
        client:setoption("linger", { on = false, timeout = 0 })

        local on = client:getoption("linger").on
        assert.is_true(on == false or on == 0)
      end)

      it("linger is a table", function()
        assert.equal(1, client:setoption("linger", { on = true, timeout = 3 }))
        assert.same({ on = 1, timeout = 3 }, (function(value)
          return { on = (value.on == true or value.on == 1) and 1 or value.on, timeout = value.timeout }
        end)(client:getoption("linger")))
        check.error("table expected", client.setoption, client, "linger", true)
        check.error("boolean 'on' field expected", client.setoption, client, "linger", {})
        check.error("number 'timeout' field expected", client.setoption, client, "linger", { on = true })
      end)

      it("error is told once", function()
        assert.is_nil((client:getoption("error")))
      end)

      it("that can only be set", function()
        local skt = socket.tcp4()
        assert.equal(1, skt:setoption("tcp-defer-accept", 1))
        assert.equal(1, skt:setoption("tcp-fastopen-connect", 1))
        skt:close()
        local six = socket.tcp6()
        if six then
          assert.equal(1, six:setoption("ipv6-v6only", true))
          six:close()
        end
      end)

      it("that can only be set are not told", function()
        for _, option in ipairs { "ipv6-v6only", "tcp-defer-accept", "tcp-fastopen", "tcp-fastopen-connect" } do
          check.error("unsupported option `" .. option .. "'", client.getoption, client, option)
        end
      end)

      it("that do not exist are refused", function()
        check.error("unsupported option `nope'", client.setoption, client, "nope", true)
        check.error("unsupported option `nope'", client.getoption, client, "nope")
        check.error("unsupported option `error'", client.setoption, client, "error", true)
        check.error("string expected", client.setoption, client)
      end)

      it("of the wrong type are refused", function()
        check.error("boolean expected, got number", client.setoption, client, "keepalive", 1)
        if is_native then check.error("number expected", client.setoption, client, "tcp-keepidle", "often") end
      end)

      it("fail without a descriptor", function()
        assert.same(pack(nil, "setsockopt failed"), pack(socket.tcp():setoption("keepalive", true)))
        assert.same(pack(nil, "getsockopt failed"), pack(socket.tcp():getoption("keepalive")))
      end)
    end)
  end)
end
