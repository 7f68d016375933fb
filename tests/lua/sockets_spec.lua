-- The methods of LuaSocket's TCP objects. What both should do is asked of LuaSocket itself, too, so that the two agree.
local check = require("support.check")
local sockets = require("support.sockets")

local pack = check.pack

local native = require("copas.socket")
local luasocket = require("socket")

local function has_ipv6(socket)
  local server = socket.bind("::1", 0)
  if server then server:close() end
  return server ~= nil
end

for name, socket in pairs { ["the native module"] = native, ["LuaSocket"] = luasocket } do
  local is_native = socket == native

  describe(name, function()
    local peer, client

    before_each(function() peer, client = sockets.pair(socket) end)
    after_each(function()
      peer:close()
      client:close()
    end)

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

    describe("receive", function()
      before_each(function() client:settimeout(5) end)

      it("gives lines, without line ends and without any CR", function()
        peer:send("one\r\ntwo\nb\rc\n\r\n\nlast\r\n")

        assert.same(pack("one", nil, nil), pack(client:receive()))
        assert.equal("two", (client:receive("*l")))
        assert.equal("bc", (client:receive("*line")))
        assert.equal("", (client:receive()))
        assert.equal("", (client:receive()))
        assert.equal("last", (client:receive("*l")))
      end)

      it("passes all other bytes", function()
        local bytes = {}
        for byte = 0, 255 do
          if byte ~= 10 and byte ~= 13 then bytes[#bytes + 1] = string.char(byte) end
        end
        local text = table.concat(bytes)
        peer:send(text .. "\n")

        assert.equal(text, (client:receive()))
      end)

      it("gives numbers of bytes, unchanged", function()
        peer:send("one\r\ntwo\n")

        assert.same(pack("one\r", nil, nil), pack(client:receive(4)))
        assert.equal("\ntw", (client:receive("3")))
        assert.equal("o", (client:receive(1.9)))
      end)

      it("gives everything to the end", function()
        peer:send("one\r\ntwo")
        peer:close()

        assert.same(pack("one\r\ntwo", nil, nil), pack(client:receive("*a")))
        assert.same(pack(nil, "closed", ""), pack(client:receive("*a")))
        assert.same(pack(nil, "closed", ""), pack(client:receive()))
        assert.same(pack(nil, "closed", ""), pack(client:receive(1)))
      end)

      it("gives what came before the end", function()
        peer:send("line\npart")
        peer:close()

        assert.equal("line", (client:receive()))
        assert.same(pack(nil, "closed", "part"), pack(client:receive()))
      end)

      it("gives what came before the end instead of a number of bytes", function()
        peer:send("part")
        peer:close()

        assert.same(pack(nil, "closed", "part"), pack(client:receive(10)))
      end)

      it("drops each CR of a partial line", function()
        peer:send("a\rb\r")
        client:settimeout(0.02)

        assert.same(pack(nil, "timeout", "ab"), pack(client:receive()))
      end)

      it("gives up with what has come, which is consumed", function()
        peer:send("part")
        client:settimeout(0.02)

        assert.same(pack(nil, "timeout", "part"), pack(client:receive()))
        assert.same(pack(nil, "timeout", ""), pack(client:receive(3)))
        peer:send("more")
        assert.same(pack(nil, "timeout", "more"), pack(client:receive("*a")))
      end)

      it("puts a prefix in front", function()
        peer:send("line\n")
        assert.same(pack("prefix line", nil, nil), pack(client:receive("*l", "prefix ")))
        client:settimeout(0.02)
        assert.same(pack(nil, "timeout", "prefix "), pack(client:receive("*l", "prefix ")))
        peer:send("x")
        assert.same(pack(nil, "timeout", "prefix x"), pack(client:receive("*l", "prefix ")))
        peer:send("all")
        peer:close()
        assert.same(pack("prefix all", nil, nil), pack(client:receive("*a", "prefix ")))
        assert.same(pack(nil, "closed", "prefix "), pack(client:receive("*a", "prefix ")))
      end)

      it("counts the prefix among the bytes", function()
        peer:send("defgh")

        assert.equal("abcde", (client:receive(5, "abc")))
        assert.equal("abc", (client:receive(3, "abc")))
        assert.equal("abc", (client:receive(2, "abc")))
        assert.equal("fgh", (client:receive(3)))
      end)

      it("takes a number for a prefix", function()
        peer:send("34\n")

        assert.equal("1234", (client:receive("*l", 12)))
      end)

      it("waits for anything if it is to give nothing", function()
        client:settimeout(0.02)
        assert.same(pack(nil, "timeout", ""), pack(client:receive(0)))
        peer:send("x")
        client:settimeout(5)
        assert.same(pack("", nil, nil), pack(client:receive(0)))
        assert.equal("x", (client:receive(1)))
        peer:close()
        assert.same(pack(nil, "closed", ""), pack(client:receive(0)))
      end)

      it("refuses other patterns, and consumes nothing", function()
        peer:send("line\n")
        for _, pattern in ipairs { "l", "*L", "*x", "", -1, {}, true, print } do
          check.error(is_native and "invalid receive pattern" or "bad argument", client.receive, client, pattern)
        end

        assert.equal("line", (client:receive()))
      end)

      it("refuses other prefixes", function()
        check.error("string expected", client.receive, client, "*l", {})
      end)

      it("loses nothing when patterns change", function()
        peer:send("line\n12345rest of it")
        peer:close()

        assert.equal("line", (client:receive()))
        assert.is_true(client:dirty())
        assert.equal("12345", (client:receive(5)))
        assert.equal("rest of it", (client:receive("*a")))
        assert.is_false(client:dirty())
      end)

      it("says that it is closed", function()
        client:close()

        for _, pattern in ipairs { "*l", "*a", 5, 0 } do
          assert.same(pack(nil, "closed", ""), pack(client:receive(pattern)))
        end
        assert.same(pack(nil, "closed", "prefix"), pack(client:receive("*l", "prefix")))
      end)

      it("says that it is closed if connecting has failed", function()
        local skt = socket.tcp()
        skt:connect("127.0.0.1", sockets.deaf_port(socket))

        assert.same(pack(nil, "closed", ""), pack(skt:receive()))
        skt:close()
      end)

      it("takes a reset for the end", function()
        peer:setoption("linger", { on = true, timeout = 0 })
        client:send("x")
        peer:close()

        assert.same(pack(nil, "closed", ""), pack(client:receive()))
      end)

      it("takes lines and blocks that are longer than any buffer", function()
        local long = ("0123456789"):rep(5000)
        peer:send(long .. "\n")
        assert.equal(long, (client:receive()))
        peer:send(long)
        assert.equal(long, (client:receive(#long)))
      end)
    end)

    describe("send", function()
      it("returns the index of the last byte sent", function()
        assert.same(pack(5, nil, nil), pack(client:send("hello")))
        assert.same(pack(0, nil, nil), pack(client:send("")))
      end)

      it("sends a part of the string", function()
        assert.equal(3, (client:send("abcdef", 2, 3)))
        assert.equal(6, (client:send("abcdef", -2)))
        assert.equal(5, (client:send("abcdef", 1, -2)))
        assert.equal(6, (client:send("abcdef", 0, 99)))
        assert.equal(3, (client:send("abcdef", -99, 3)))
        client:close()

        assert.equal("bc" .. "ef" .. "abcde" .. "abcdef" .. "abc", (peer:receive("*a")))
      end)

      it("sends nothing of an empty part", function()
        assert.same(pack(9, nil, nil), pack(client:send("hello", 10)))
        assert.same(pack(3, nil, nil), pack(client:send("hello", 4, 2)))
        client:close()

        assert.same(pack(nil, "closed", ""), pack(peer:receive("*a")))
      end)

      it("sends numbers as their text", function()
        assert.equal(2, (client:send(12)))
        client:close()

        assert.equal("12", (peer:receive("*a")))
      end)

      it("refuses everything else", function()
        for _, value in ipairs { {}, true, print } do check.error("string expected", client.send, client, value) end
        check.error("string expected", client.send, client)
        check.error("number expected", client.send, client, "text", "first")
        check.error("number expected", client.send, client, "text", 1, {})
      end)

      it("gives up with the index of the last byte that was taken", function()
        client:settimeout(0.02)
        local ok, err, last = client:send(("x"):rep(2e7), 101)

        assert.is_nil(ok)
        assert.equal("timeout", err)
        assert.is_true(last >= 100 and last < 2e7)
        peer:settimeout(0.2)
        local _, _, got = peer:receive(2e7)
        assert.equal(last - 100, #got)
      end)

      it("can be continued behind the last byte", function()
        local text = {}
        for index = 1, 400000 do text[index] = ("%07d"):format(index) end
        text = table.concat(text)
        client:settimeout(0)
        peer:settimeout(0)
        local got, last = {}, 0
        repeat
          local ok, err, partly = client:send(text, last + 1)
          assert.is_true(ok ~= nil or err == "timeout")
          last = ok or partly
          local data, _, partial = peer:receive(500000)
          got[#got + 1] = data or partial
        until last == #text
        client:close()
        peer:settimeout(5)
        got[#got + 1] = peer:receive("*a") or ""

        assert.is_true(table.concat(got) == text)
      end)

      it("says that it is closed", function()
        client:close()

        assert.same(pack(nil, "closed", 0), pack(client:send("hello")))
        assert.same(pack(nil, "closed", 2), pack(client:send("hello", 3)))
      end)

      it("says that the other side is gone", function()
        peer:close()
        local result
        for _ = 1, 200 do
          result = pack(client:send("x"))
          if not result[1] then break end
          socket.sleep(0.005)
        end

        assert.same(pack(nil, "closed", 0), result)
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
