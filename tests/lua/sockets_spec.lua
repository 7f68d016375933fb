-- LuaSocket's interface. What both should do is asked of LuaSocket itself, too, so that the two keep agreeing.
local sockets = require("support.sockets")

local native = require("copas.socket")
local luasocket = require("socket")

-- Values with their number, so that `nil, nil` is not `nil`.
local function pack(...) return { n = select("#", ...), ... } end

local function check_error(message, f, ...)
  local ok, err = pcall(f, ...)
  assert.is_false(ok)
  assert.matches(message, err, 1, true)
end

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

    describe("module", function()
      it("has the constants", function()
        assert.equal(2048, socket.BLOCKSIZE)
        assert.equal(8192, socket._DATAGRAMSIZE)
        assert.equal(-1, socket._SOCKETINVALID)
        assert.is_true(socket._SETSIZE >= 1024)
        assert.matches("^LuaSocket 3%.%d+%.?%d*", socket._VERSION)
      end)

      it("has the functions for streams", function()
        for key in ([[bind choose connect connect4 connect6 gettime newtry protect select sink skip sleep source tcp tcp4
                      tcp6 try __unload]]):gmatch("%S+") do
          assert.equal("function", type(socket[key]), key)
        end
        for _, key in ipairs { "dns", "sinkt", "sourcet" } do assert.equal("table", type(socket[key]), key) end
        for key in ("toip tohostname getaddrinfo getnameinfo gethostname"):gmatch("%S+") do
          assert.equal("function", type(socket.dns[key]), key)
        end
      end)

      it("tells the time in seconds since the epoch, with a fraction", function()
        local now = socket.gettime()

        assert.is_true(math.abs(now - os.time()) < 2)
        local fraction = false
        for _ = 1, 10 do fraction = fraction or socket.gettime() % 1 ~= 0 end
        assert.is_true(fraction)
      end)

      it("sleeps for a time, but not for a negative one", function()
        local start = socket.gettime()
        assert.equal(0, select("#", socket.sleep(0.03)))
        assert.is_true(socket.gettime() - start >= 0.03)

        socket.sleep(-5)
        socket.sleep(0)
        assert.is_true(socket.gettime() - start < 3)
      end)

      it("does not sleep for what is no number", function()
        check_error("number expected", socket.sleep, "long")
        check_error("number expected", socket.sleep)
        check_error("number expected", socket.sleep, {})
      end)

      it("skips values", function()
        assert.same(pack("c", nil), pack(socket.skip(2, "a", "b", "c", nil)))
        assert.same(pack("a"), pack(socket.skip(0, "a")))
        assert.same(pack(), pack(socket.skip(1, "a")))
        assert.same(pack(), pack(socket.skip(5, "a")))
      end)

      it("chooses functions by name", function()
        local got
        local choose = socket.choose {
          ["default"] = function(...) got = pack("default", ...) return "d" end,
          ["other"] = function(...) got = pack("other", ...) return "o" end,
        }

        assert.equal("o", choose("other", 1, 2))
        assert.same({ n = 3, "other", 1, 2 }, got)
        assert.equal("d", choose(1, 2))
        assert.same({ n = 3, "default", 1, 2 }, got)
        assert.equal("d", choose())
        check_error("unknown key (nope)", choose, "nope")
      end)
    end)

    describe("dns", function()
      it("finds addresses", function()
        local ip, host = socket.dns.toip("127.0.0.1")
        assert.equal("127.0.0.1", ip)
        assert.same({ "127.0.0.1" }, host.ip)
        assert.equal("table", type(host.alias))
        assert.equal("string", type(host.name))
        assert.equal("127.0.0.1", (socket.dns.toip("localhost")))
      end)

      it("finds names", function()
        local found, host = socket.dns.tohostname("127.0.0.1")
        assert.equal("string", type(found))
        assert.equal(found, host.name)
        assert.same({ "127.0.0.1" }, host.ip)
      end)

      it("finds all addresses of a name", function()
        assert.same({ { family = "inet", addr = "127.0.0.1" } }, socket.dns.getaddrinfo("127.0.0.1"))
        assert.same({ { family = "inet6", addr = "::1" } }, socket.dns.getaddrinfo("::1"))
      end)

      it("finds names of addresses and services", function()
        local names, service = socket.dns.getnameinfo("127.0.0.1", "80")
        assert.equal("string", type(names[1]))
        assert.equal("string", type(service))
        assert.equal(1, select("#", socket.dns.getnameinfo("127.0.0.1")))
        check_error("host and serv cannot be both nil", socket.dns.getnameinfo)
      end)

      it("knows the name of this host", function()
        assert.equal("string", type(socket.dns.gethostname()))
      end)

      it("says what it does not know", function()
        local err = "host or service not provided, or not known"
        assert.same(pack(nil, "host not found"), pack(socket.dns.toip("no-such-host.invalid")))
        assert.same(pack(nil, "host not found"), pack(socket.dns.tohostname("no-such-host.invalid")))
        assert.same(pack(nil, err), pack(socket.dns.getaddrinfo("no-such-host.invalid")))
        assert.same(pack(nil, err), pack(socket.dns.getnameinfo("no-such-host.invalid")))
      end)

      it("needs names", function()
        for _, key in ipairs { "toip", "tohostname", "getaddrinfo" } do
          check_error("string expected", socket.dns[key])
          check_error("string expected", socket.dns[key], {})
        end
      end)
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
          for _, method in ipairs(methods) do check_error(message, skt[method], skt, "127.0.0.1", 0) end
        end
        server:close()
      end)

      it("refuses to be anything else", function()
        check_error("expected", client.receive, {})
        check_error("expected", client.getfd, 12)
        check_error("expected", client.close)
        check_error("expected", client.close, io.stdout)
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

    describe("bind", function()
      it("listens on an address and a free port", function()
        local server = assert(socket.bind("127.0.0.1", 0))
        local ip, port, family = server:getsockname()

        assert.matches("^tcp{server}", tostring(server))
        assert.equal("127.0.0.1", ip)
        assert.is_true(tonumber(port) > 0)
        assert.equal("inet", family)
        assert.same(pack(-1, -1), pack(server:gettimeout()))
        server:close()
      end)

      it("listens on all IPv4 addresses for *", function()
        local server = assert(socket.bind("*", 0))

        assert.equal("0.0.0.0", (server:getsockname()))
        server:close()
      end)

      it("takes names, ports as strings, and a backlog", function()
        local server = assert(socket.bind("localhost", "0", 5))
        server:close()
      end)

      it("says that a port is in use", function()
        local server, port = sockets.listen(socket)

        assert.same(pack(nil, "address already in use"), pack(socket.bind("127.0.0.1", port)))
        local skt = socket.tcp()
        local bound, err = skt:bind("127.0.0.1", port)
        if bound then bound, err = skt:listen() end
        assert.same(pack(nil, "address already in use"), pack(bound, err))
        skt:close()
        server:close()
      end)

      it("says that an address is not ours, or does not exist", function()
        assert.same(pack(nil, "Cannot assign requested address"), pack(socket.bind("192.0.2.1", 0)))
        assert.same(pack(nil, "host or service not provided, or not known"),
                    pack(socket.bind("no-such-host.invalid", 0)))
      end)

      it("needs an address and a port", function()
        local skt = socket.tcp()
        check_error("string expected", skt.bind, skt)
        check_error("string expected", skt.bind, skt, "127.0.0.1")
        check_error("string expected", skt.bind, skt, {}, 0)
      end)

      it("serves IPv6", function()
        if not has_ipv6(socket) then return pending("no IPv6") end
        local server = assert(socket.bind("::1", 0))
        local ip, port, family = server:getsockname()
        assert.same({ "::1", "inet6" }, { ip, family })
        assert.equal("inet6", server:getfamily())
        local skt = assert(socket.connect("::1", port))
        local accepted = assert(server:accept())
        assert.same({ "::1", "inet6" }, { skt:getpeername(), (select(3, skt:getpeername())) })
        assert.equal("inet6", accepted:getfamily())
        accepted:send("hello\n")
        assert.equal("hello", (skt:receive()))
        for _, each in ipairs { server, skt, accepted } do each:close() end
      end)
    end)

    describe("connect", function()
      it("gives a connected client in blocking mode", function()
        assert.matches("^tcp{client}", tostring(client))
        assert.same(pack(-1, -1), pack(client:gettimeout()))
      end)

      it("says that nobody listens", function()
        local port = sockets.deaf_port(socket)

        assert.same(pack(nil, "connection refused"), pack(socket.connect("127.0.0.1", port)))
        local skt = socket.tcp()
        assert.same(pack(nil, "connection refused"), pack(skt:connect("127.0.0.1", port)))
        skt:close()
      end)

      it("says that a host or a service is not known", function()
        assert.same(pack(nil, "host or service not provided, or not known"),
                    pack(socket.connect("no-such-host.invalid", 80)))
        local skt = socket.tcp()
        assert.same(pack(nil, "service not supported for socket type"),
                    pack(skt:connect("127.0.0.1", "no-such-service")))
        skt:close()
      end)

      it("needs a host and a port", function()
        local skt = socket.tcp()
        check_error("string expected", skt.connect, skt)
        check_error("string expected", skt.connect, skt, "127.0.0.1")
        check_error("string expected", skt.connect, skt, "127.0.0.1", {})
        assert.matches("^tcp{master}", tostring(skt))
      end)

      it("takes ports as strings, and an address to connect from", function()
        local server, port = sockets.listen(socket)
        local skt = assert(socket.connect("127.0.0.1", tostring(port), "127.0.0.1", 0))

        assert.equal("127.0.0.1", (skt:getsockname()))
        skt:close()
        server:close()
      end)

      it("takes a family", function()
        local server, port = sockets.listen(socket)
        local skt = assert(socket.connect("127.0.0.1", port, nil, nil, "inet"))
        skt:close()
        skt = assert(socket.connect4("127.0.0.1", port))
        skt:close()
        if is_native then assert.is_nil(socket.connect6("127.0.0.1", port)) end
        server:close()
      end)

      it("connects a closed object again, with a new descriptor", function()
        local server, port = sockets.listen(socket)
        client:close()
        assert.equal(1, client:connect("127.0.0.1", port))
        local accepted = server:accept()
        accepted:send("again\n")
        assert.equal("again", (client:receive()))
        accepted:close()
        server:close()
      end)

      it("says that it is connected already", function()
        local _, port = peer:getsockname()
        client:connect("127.0.0.1", port) -- some systems let a program repeat the call that connected

        assert.same(pack(nil, "already connected"), pack(client:connect("127.0.0.1", port)))
      end)

      it("goes on in the background if it must not block", function()
        local server, port = sockets.listen(socket)
        local skt = socket.tcp()
        skt:settimeout(0)
        local ok, err = skt:connect("127.0.0.1", port)
        if not ok then
          assert.equal("timeout", err)
          assert.equal(1, #(select(2, socket.select(nil, { skt }, 5))))
          ok, err = skt:connect("127.0.0.1", port)
          assert.is_true(ok == 1 or err == "already connected")
        end
        local accepted = server:accept()
        accepted:send("hello\n")
        skt:settimeout(5)
        assert.equal("hello", (skt:receive()))
        for _, each in ipairs { skt, accepted, server } do each:close() end
      end)

      it("finds out in the background that nobody listens", function()
        local port = sockets.deaf_port(socket)
        local skt = socket.tcp()
        skt:settimeout(0)
        local ok, err = skt:connect("127.0.0.1", port)
        for _ = 1, 3 do
          if ok or err ~= "timeout" then break end
          socket.select(nil, { skt }, 5)
          ok, err = skt:connect("127.0.0.1", port)
        end

        assert.same(pack(nil, "connection refused"), pack(ok, err))
        skt:close()
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
          check_error(is_native and "invalid receive pattern" or "bad argument", client.receive, client, pattern)
        end

        assert.equal("line", (client:receive()))
      end)

      it("refuses other prefixes", function()
        check_error("string expected", client.receive, client, "*l", {})
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
        for _, value in ipairs { {}, true, print } do check_error("string expected", client.send, client, value) end
        check_error("string expected", client.send, client)
        check_error("number expected", client.send, client, "text", "first")
        check_error("number expected", client.send, client, "text", 1, {})
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
        check_error("invalid option 'neither'", client.shutdown, client, "neither")
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
        check_error("invalid timeout mode", client.settimeout, client, 1, "x")
        check_error("number expected", client.settimeout, client, "soon")
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
        check_error("table expected", client.setoption, client, "linger", true)
        check_error("boolean 'on' field expected", client.setoption, client, "linger", {})
        check_error("number 'timeout' field expected", client.setoption, client, "linger", { on = true })
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
        check_error("unsupported option `nope'", client.setoption, client, "nope", true)
        check_error("unsupported option `nope'", client.getoption, client, "nope")
        check_error("unsupported option `error'", client.setoption, client, "error", true)
        check_error("string expected", client.setoption, client)
      end)

      it("of the wrong type are refused", function()
        check_error("boolean expected, got number", client.setoption, client, "keepalive", 1)
        if is_native then check_error("number expected", client.setoption, client, "tcp-keepidle", "often") end
      end)

      it("fail without a descriptor", function()
        assert.same(pack(nil, "setsockopt failed"), pack(socket.tcp():setoption("keepalive", true)))
        assert.same(pack(nil, "getsockopt failed"), pack(socket.tcp():getoption("keepalive")))
      end)
    end)

    describe("select", function()
      it("tells which sockets can be read and written", function()
        peer:send("x")
        socket.select({ client }, nil, 5)

        local readable, writable, err = socket.select({ client, peer }, { peer }, 5)

        assert.same({ client, [client] = 1 }, readable)
        assert.same({ peer, [peer] = 1 }, writable)
        assert.is_nil(err)
      end)

      it("gives up after the timeout", function()
        local start = socket.gettime()
        local result = pack(socket.select({ client }, nil, 0.03))

        assert.same(pack({}, {}, "timeout"), result)
        assert.is_true(socket.gettime() - start >= 0.029)
        assert.same(pack({}, {}, "timeout"), pack(socket.select({ client }, {}, 0)))
        assert.same(pack({}, {}, "timeout"), pack(socket.select(nil, nil, 0)))
      end)

      it("tells of servers with connections", function()
        local server, port = sockets.listen(socket)
        local skt = socket.connect("127.0.0.1", port)

        assert.equal(server, socket.select({ server }, nil, 5)[1])
        server:close()
        skt:close()
      end)

      it("finds what is buffered", function()
        peer:send("one\ntwo\n")
        client:receive()

        assert.equal(client, socket.select({ client }, nil, 0)[1])
      end)

      it("asks objects for their descriptor, and whether they have something", function()
        local object = { getfd = function() return client:getfd() end, dirty = function() return true end }
        assert.equal(object, socket.select({ object }, nil, 0)[1])
        object.dirty = function() return false end
        assert.same({}, (socket.select({ object }, nil, 0)))
        peer:send("x")
        assert.equal(object, socket.select({ object }, nil, 5)[1])
      end)

      it("ignores what has no descriptor", function()
        local closed = socket.tcp()
        closed:close()

        assert.same(pack({}, {}, "timeout"), pack(socket.select({ closed, {}, socket.tcp() }, { closed }, 0)))
      end)

      it("needs tables", function()
        check_error("table expected", socket.select, 1, nil, 0)
        check_error("table expected", socket.select, nil, "x", 0)
        check_error("number expected", socket.select, nil, nil, "soon")
      end)
    end)

    describe("sinks and sources", function()
      it("send what they are given", function()
        local sink = socket.sink("close-when-done", client)
        assert.equal(client:getfd(), sink:getfd())
        assert.is_false(sink:dirty())
        assert.truthy(sink("one "))
        assert.truthy(sink("two"))
        assert.truthy(sink(nil))

        assert.equal("one two", (peer:receive("*a")))
        assert.equal(-1, client:getfd())
      end)

      it("keep the socket open if told so, or nothing", function()
        for _, sink in ipairs { socket.sink("keep-open", client), socket.sink(client) } do
          sink("text")
          assert.equal(1, sink(nil))
          assert.is_true(client:getfd() >= 0)
        end
      end)

      it("give a number of bytes", function()
        peer:send("12345678")
        local source = socket.source("by-length", client, 5)

        assert.equal("12345", source())
        assert.is_nil(source())
        assert.equal("678", (client:receive(3)))
      end)

      it("give everything to the end", function()
        local text = ("x"):rep(5000)
        peer:send(text)
        peer:close()
        local got = {}
        local source = socket.source("until-closed", client)
        repeat
          local chunk = source()
          got[#got + 1] = chunk
        until not chunk

        assert.equal(text, table.concat(got))
        assert.equal(-1, client:getfd())
        assert.is_nil(source())
      end)

      it("end with an empty string if nothing comes", function()
        peer:close()
        local source = socket.source(client)

        assert.equal("", source())
        assert.is_nil(source())
      end)

      it("pass errors on", function()
        client:settimeout(0.01)
        assert.same(pack(nil, "timeout"), pack(socket.source("until-closed", client)()))
        assert.same(pack(nil, "timeout"), pack(socket.source("by-length", client, 5)()))
      end)

      it("are in tables that others may add to", function()
        for _, key in ipairs { "close-when-done", "keep-open", "default" } do
          assert.equal("function", type(socket.sinkt[key]))
        end
        for _, key in ipairs { "by-length", "until-closed", "default" } do
          assert.equal("function", type(socket.sourcet[key]))
        end
        socket.sinkt["mine"] = function(skt) return { skt } end
        assert.equal(client, socket.sink("mine", client)[1])
        socket.sinkt["mine"] = nil
        check_error("unknown key (mine)", socket.sink, "mine", client)
      end)
    end)
  end)
end

describe("the native module alone", function()
  it("gives whole numbers as integers", function()
    local peer, client = sockets.pair(native)
    local function text(...) return table.concat({ ... }, " ") end

    assert.equal("5", text((client:send("hello"))))
    assert.equal("1", text(client:close()))
    assert.matches("^%d+$", text((select(2, peer:getsockname()))))
    assert.equal("number", type((select(2, peer:getsockname()))))
    peer:close()
  end)

  it("selects more than a thousand descriptors, and those beyond", function()
    local server, port = sockets.listen(native)
    server:close()
    server = assert(native.bind("127.0.0.1", port, 2000))
    local clients, accepted = {}, {}
    for index = 1, 1100 do
      clients[index] = native.connect("127.0.0.1", port)
      accepted[index] = clients[index] and server:accept()
      if not accepted[index] then break end
    end
    if #accepted < 1100 then
      for _, list in ipairs { clients, accepted } do
        for _, skt in ipairs(list) do skt:close() end
      end
      return pending("too few descriptors")
    end
    accepted[1100]:send("x")

    local readable = native.select(clients, nil, 5)

    assert.equal(clients[1100], readable[1])
    assert.equal(1, #readable)
    for index = 1, 1100 do
      clients[index]:close()
      accepted[index]:close()
    end
    server:close()
  end)

  it("takes part in LuaSocket's select, and LuaSocket's objects in its own", function()
    local peer, client = sockets.pair(native)
    local other_peer, other_client = sockets.pair(luasocket)
    peer:send("x")
    other_peer:send("x")

    assert.equal(2, #native.select({ client, other_client }, nil, 5))
    assert.equal(2, #luasocket.select({ client, other_client }, nil, 5))
    for _, each in ipairs { peer, client, other_peer, other_client } do each:close() end
  end)

  it("tries the addresses of a name until one accepts", function()
    local server, port = sockets.listen(native)
    local client = assert(native.connect("localhost", port))
    client:close()
    local skt = native.tcp()
    assert.equal(1, skt:connect("localhost", port))
    skt:close()
    server:close()
  end)

  it("takes whatever stands in for a file descriptor in select", function()
    local ok = pcall(native.select, { { getfd = function() error("mine") end } }, nil, 0)

    assert.is_false(ok)
  end)

  it("closes sockets at the end of their scope, where Lua has such things", function()
    if not coroutine.close then return end
    local peer, client = sockets.pair(native)
    if not getmetatable(client).__close then return end
    assert(load("local client <close> = ..."))(client)

    assert.equal(-1, client:getfd())
    peer:close()
  end)

  it("ignores broken pipes", function()
    local peer, client = sockets.pair(native)
    peer:close()
    for _ = 1, 5 do
      client:send("x")
      native.sleep(0.002)
    end

    assert.equal("closed", (select(2, client:send("x"))))
    client:close()
  end)
end)
