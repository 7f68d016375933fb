-- The functions of LuaSocket's interface. What both should do is asked of LuaSocket itself, too, so that the two agree.
local check = require("support.check")
local kinds = require("support.kinds")
local sockets = require("support.sockets")

local pack = check.pack

local native, luasocket = kinds.native, kinds.luasocket

for name, socket in pairs(kinds.libraries) do
  local is_native = socket == kinds.native

  describe(name, function()
    local peer, client

    before_each(function() peer, client = sockets.pair(socket) end)
    after_each(function() sockets.close(peer, client) end)

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
        check.error("number expected", socket.sleep, "long")
        check.error("number expected", socket.sleep)
        check.error("number expected", socket.sleep, {})
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
        check.error("unknown key (nope)", choose, "nope")
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
        check.error("host and serv cannot be both nil", socket.dns.getnameinfo)
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
          check.error("string expected", socket.dns[key])
          check.error("string expected", socket.dns[key], {})
        end
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
        check.error("string expected", skt.bind, skt)
        check.error("string expected", skt.bind, skt, "127.0.0.1")
        check.error("string expected", skt.bind, skt, {}, 0)
      end)

      it("serves IPv6", function()
        if not sockets.has_ipv6(socket) then return pending("no IPv6") end
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
        check.error("string expected", skt.connect, skt)
        check.error("string expected", skt.connect, skt, "127.0.0.1")
        check.error("string expected", skt.connect, skt, "127.0.0.1", {})
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
        check.error("invalid option 'inet5'", socket.connect, "127.0.0.1", port, nil, nil, "inet5")
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
        check.error("table expected", socket.select, 1, nil, 0)
        check.error("table expected", socket.select, nil, "x", 0)
        check.error("number expected", socket.select, nil, nil, "soon")
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
