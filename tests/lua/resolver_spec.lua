-- Host names: who looks them up waits, in a thread, and nobody else does.
local check = require("support.check")
local child = require("support.child")
local loop = require("support.loop")
local names = require("support.names")
local sockets = require("support.sockets")

local socket, luasocket = require("copas.socket"), require("socket")
local pack = check.pack

if not child.has("python3") then return pending("no python3 here") end

describe("a host name", function()
  local copas, address, server, port

  setup(function() address = names.start() end)
  teardown(names.stop)

  before_each(function()
    copas = loop.fresh()
    copas.resolver { servers = { address }, search = { "search.test" }, timeout = 5 }
    server, port = sockets.listen(socket)
  end)
  after_each(function() server:close() end)

  -- How often the server was asked for a name.
  local function times_asked(name)
    return tonumber((assert(socket.dns.toip("count." .. name))):match("%d+$"))
  end

  -- Functions that take a name, and what they give for one with the address 127.0.0.1: the same in a thread and elsewhere.
  local functions = {
    ["socket.dns.toip"] = function(name) return (socket.dns.toip(name)) end,
    ["socket.dns.tohostname"] = function(name) return (socket.dns.tohostname(name)) end,
    ["socket.dns.getaddrinfo"] = function(name) return socket.dns.getaddrinfo(name) end,
    ["socket.dns.getnameinfo"] = function(name) return type(socket.dns.getnameinfo(name)) end,
    ["socket.connect"] = function(name)
      local skt = assert(socket.connect(name, port))
      return skt:getpeername(), skt:close()
    end,
    ["connect of a raw socket"] = function(name)
      local skt = socket.tcp()
      return skt:connect(name, port), skt:getpeername()
    end,
    ["socket.bind"] = function(name)
      local skt = assert(socket.bind(name, 0))
      return skt:getsockname(), skt:close()
    end,
    ["bind of a raw socket"] = function(name)
      local skt = socket.tcp()
      return skt:bind(name, 0), skt:getsockname(), skt:close()
    end,
    ["setsockname"] = function(name)
      local skt = socket.udp()
      return skt:setsockname(name, 0), skt:getsockname(), skt:close()
    end,
    ["setpeername"] = function(name)
      local skt = socket.udp()
      return skt:setpeername(name, 9), tostring(skt):match("^udp{connected}"), skt:getpeername()
    end,
    ["sendto"] = function(name)
      local skt = socket.udp()
      return skt:sendto("hello", name, 9), skt:close()
    end,
  }

  -- Calls in a thread, while the answer is held back until another thread has gone on; what the threads did, in order.
  local function order_of(call)
    local order = {}
    copas.resolver { servers = { address }, cache_size = 0, timeout = 5 }
    loop.run(copas, function()
      call("held.test")
      order[#order + 1] = "answered"
    end, function()
      for _ = 1, 3 do copas.pause(0.001) end
      order[#order + 1] = "went on"
      assert(socket.dns.toip("release.test"))
    end)
    return order
  end

  for name, call in pairs(functions) do
    describe("in " .. name, function()
      it("lets other threads go on while it is looked up", function()
        assert.same({ "went on", "answered" }, order_of(call))
      end)

      it("means the same outside of threads", function()
        local outside, inside = pack(call("four.test")), nil
        loop.run(copas, function() inside = pack(call("four.test")) end)

        assert.same(outside, inside)
      end)
    end)
  end

  describe("in copas.connect", function()
    for kind, module in pairs { ["a native socket"] = socket, ["a socket of LuaSocket"] = luasocket } do
      describe("of " .. kind, function()
        it("lets other threads go on while it is looked up", function()
          assert.same({ "went on", "answered" }, order_of(function(name)
            assert.same(pack(1, nil), pack(copas.connect(module.tcp(), name, port)))
          end))
        end)

        it("stands for all its addresses", function()
          loop.run(copas, function()
            for _, name in ipairs { "many.test", "both.test", "localhost", "alias.test", "inside" } do
              local skt = copas.wrap(module.tcp())
              assert.same(pack(1, nil), pack(skt:connect(name, port)))
              assert.equal("127.0.0.1", (skt:getpeername()))
              skt:close()
            end
          end)
        end)

        it("may be none", function()
          loop.run(copas, function()
            assert.same(pack(nil, "host or service not provided, or not known"),
              pack(copas.connect(module.tcp(), "nothing.test", port)))
            assert.same(pack(nil, "temporary failure in name resolution"),
              pack(copas.connect(module.tcp(), "failing.test", port)))
          end)
        end)

        it("is not this machine because it is empty", function()
          loop.run(copas, function()
            assert.same(pack(nil, "host or service not provided, or not known"),
              pack(copas.connect(module.tcp(), "", port)))
          end)
        end)

        it("has to be given", function()
          loop.run(copas, function()
            assert.error_matches(function() copas.connect(module.tcp(), nil, port) end, "string expected, got nil")
          end)
        end)

        it("is looked up and connected to within one timeout", function()
          loop.run(copas, function()
            local skt = module.tcp()
            copas.settimeouts(skt, 0.05)
            local ok, err = copas.connect(skt, "dead.test", port)
            assert.is_nil(ok)
            assert.equal("timeout", err)
          end)
        end)
      end)
    end

    it("is given as it is to objects of other kinds", function()
      local given
      local proxy = {
        settimeout = function() end,
        connect = function(_, host, at)
          given = pack(host, at)
          return 1
        end,
      }
      loop.run(copas, function() assert.same(pack(1, nil), pack(copas.connect(proxy, "dead.test", 80))) end)

      assert.same(pack("dead.test", 80), given)
    end)

    it("ends the waiting when the socket is closed", function()
      local skt = socket.tcp()
      local result
      loop.run(copas, function() result = pack(copas.connect(skt, "dead.test", port)) end,
        function()
          copas.pause(0.001)
          copas.close(skt)
        end)

      assert.same(pack(nil, "closed"), result)
    end)

    it("keeps no loop running whose thread was removed", function()
      local co
      co = copas.addthread(function() copas.connect(socket.tcp(), "dead.test", port) end)
      copas.addthread(function()
        copas.pause(0.001)
        copas.removethread(co)
      end)

      copas.loop()

      assert.is_true(copas.finished())
    end)
  end)

  it("is not known", function()
    assert.same(pack(nil, "host not found"), pack(socket.dns.toip("nothing.test")))
    assert.same(pack(nil, "host not found"), pack(socket.dns.tohostname("nothing.test")))
    assert.same(pack(nil, "host or service not provided, or not known"),
      pack(socket.dns.getaddrinfo("nothing.test")))
    assert.same(pack(nil, "temporary failure in name resolution"), pack(socket.dns.getaddrinfo("failing.test")))
    assert.same(pack(nil, "service not supported for socket type"),
      pack(socket.tcp():connect("four.test", "no-such-service")))
  end)

  for kind, module in pairs { ["native sockets"] = socket, ["LuaSocket"] = luasocket } do
    it("is none if it is empty, and no address of this machine, in functions of " .. kind, function()
      local nobody = pack(nil, "host or service not provided, or not known")

      assert.same(nobody, pack(module.bind("", 0)))
      assert.same(nobody, pack(module.connect("", port)))
      assert.same(nobody, pack(module.tcp():bind("", 0)))
      assert.same(nobody, pack(module.tcp():connect("", port)))
      assert.same(nobody, pack(module.udp():setsockname("", 0)))
      assert.same(nobody, pack(module.udp():setpeername("", port)))
      assert.same(nobody, pack(module.dns.getaddrinfo("")))
      assert.same(pack(nil), pack((module.udp():sendto("x", "", port))))
    end)
  end

  it("and that of a service may be given to sendto", function()
    local skt = socket.udp()
    assert.same(pack(1), pack(skt:sendto("x", "localhost", "discard")))
    assert.same(pack(nil, "host or service not provided, or not known"), pack(skt:sendto("x", "nothing.test", 9)))
    assert.same(pack(nil, "service not supported for socket type"), pack(skt:sendto("x", "127.0.0.1", "no-such-service")))
    skt:close()
  end)

  it("of an address is asked for, too", function()
    assert.equal("nine.test", (socket.dns.tohostname("127.0.0.9")))
    assert.same({ "nine.test" }, (socket.dns.getnameinfo("127.0.0.9")))
  end)

  it("has a canonical one and aliases", function()
    local name, entry = socket.dns.tohostname("alias.test")

    assert.equal("four.test", name)
    assert.same({ name = "four.test", alias = { "alias.test" }, ip = { "127.0.0.1" } }, entry)
  end)

  it("may have more addresses than a datagram holds", function()
    assert.equal(100, #assert(socket.dns.getaddrinfo("long.test")))
  end)

  it("that is unqualified is searched in domains", function()
    assert.equal("127.0.0.1", (socket.dns.toip("inside")))
    copas.resolver { servers = { address }, search = {} }
    assert.is_nil((socket.dns.toip("inside")))
  end)

  it("is asked for once as long as its answer lives", function()
    for _ = 1, 3 do assert(socket.dns.toip("release.test")) end
    local before = times_asked("release.test")
    loop.run(copas, function()
      for _ = 1, 3 do assert(socket.dns.toip("release.test")) end
    end)
    copas.resolver { servers = { address }, cache_size = 0 }
    assert.is_true(times_asked("release.test") - before <= 1) -- in a thread, which has a cache of its own
    local then_asked = times_asked("release.test")

    for _ = 1, 3 do assert(socket.dns.toip("release.test")) end

    assert.equal(then_asked + 3, times_asked("release.test"))
  end)

  it("outside of threads is looked up within the socket's timeout", function()
    local skt = socket.tcp()
    skt:settimeout(0.05)

    assert.same(pack(nil, "timeout"), pack(skt:connect("dead.test", port)))
  end)

  it("is looked up where a thread cannot wait", function()
    local found
    loop.run(copas, function()
      package.preload["support.asks"] = function() return (socket.dns.toip("four.test")) end
      found = { (require("support.asks")) }
      table.sort({ 1, 2 }, function()
        found[2] = socket.dns.toip("four.test")
        return false
      end)
      found[3] = select(2, pcall(socket.dns.toip, "four.test"))
    end)
    package.loaded["support.asks"] = nil

    assert.same({ "127.0.0.1", "127.0.0.1", "127.0.0.1" }, found)
  end)

  it("may be looked up the system's way, on another thread of the system", function()
    copas.resolver { mode = "system" }
    local found
    assert.equal("127.0.0.1", (socket.dns.toip("localhost")))
    loop.run(copas, function() found = socket.dns.toip("localhost") end)

    assert.equal("127.0.0.1", found)
  end)
end)

describe("addresses", function()
  it("are looked up by nobody, so that sendto does not wait", function()
    local copas = loop.fresh()
    local order = {}
    loop.run(copas, function()
      local skt = socket.udp()
      assert(copas.sendto(skt, "hello", "127.0.0.1", 9))
      order[1] = "sent"
      skt:close()
    end, function() order[#order + 1] = "went on" end)

    assert.same({ "sent", "went on" }, order)
  end)
end)

describe("a host with addresses of both families", function()
  local copas, hosts, server, port

  setup(function()
    hosts = os.tmpname()
    local file = assert(io.open(hosts, "w"))
    file:write("::1 both.test\n127.0.0.1 both.test\n")
    file:close()
  end)
  teardown(function() os.remove(hosts) end)

  before_each(function()
    copas = loop.fresh()
    copas.resolver { hosts = hosts }
    server, port = sockets.listen(socket)
    copas.addserver(server, function(skt) copas.send(skt, skt:getpeername() .. "\n") end)
  end)

  -- What the server sees as the address of a socket of LuaSocket, which `prepare` makes, and what `ask` has to say of it.
  local function connected(prepare, ask)
    local seen, asked
    loop.run(copas, function()
      local skt = prepare()
      assert(copas.connect(skt, "both.test", port))
      seen = copas.receive(skt)
      asked = ask and ask(skt)
      skt:close()
      copas.removeserver(server)
    end)
    return seen, asked
  end

  it("is tried at all of them by a socket that is of no family yet", function()
    assert.equal("127.0.0.1", connected(luasocket.tcp))
  end)

  it("is tried where a socket is bound, which keeps its address", function()
    local seen = connected(function()
      local skt = luasocket.tcp()
      assert(skt:bind("127.0.0.2", 0))
      return skt
    end)

    assert.equal("127.0.0.2", seen)
  end)

  it("is tried in a socket's own family, and it keeps its options", function()
    local _, kept = connected(function()
      local skt = luasocket.tcp4()
      skt:setoption("keepalive", true)
      return skt
    end, function(skt) return skt:getoption("keepalive") end)

    assert.is_true(kept)
  end)

  it("may be tried at all of them again by a socket that could not connect", function()
    loop.run(copas, function()
      local skt = luasocket.tcp()
      local free = assert(luasocket.bind("127.0.0.1", 0))
      local _, nobody = free:getsockname()
      free:close()
      assert.same({ nil, "connection refused" }, { copas.connect(skt, "both.test", nobody) })
      assert(copas.connect(skt, "both.test", port))
      skt:close()
      copas.removeserver(server)
    end)
  end)
end)

describe("copas.resolver", function()
  local copas = loop.fresh()

  it("refuses options that it does not know, or that are not what they have to be", function()
    check.error("unknown option 'server'", copas.resolver, { server = "127.0.0.1" })
    check.error("unknown option '1'", copas.resolver, { "127.0.0.1" })
    check.error("expected a table with options, got: string", copas.resolver, "127.0.0.1")
    check.error("expected option 'mode' to be 'dns' or 'system', got: fast", copas.resolver, { mode = "fast" })
    check.error("expected option 'tries' to be a whole number, got: 0", copas.resolver, { tries = 0 })
    check.error("expected option 'timeout' to be a number of seconds, got: -1", copas.resolver, { timeout = -1 })
    check.error("expected option 'servers' to be an array of addresses", copas.resolver, { servers = "127.0.0.1" })
    for _, server in ipairs { "localhost", "127.0.0.1:x", "127.0.0.1:99999", "[::1", "" } do
      check.error(("option 'servers': '%s' is no address"):format(server), copas.resolver, { servers = { server } })
    end
  end)

  it("takes addresses with and without a port", function()
    copas.resolver { servers = { "127.0.0.1", "127.0.0.1:53", "::1", "[::1]", "[::1]:53" } }
    copas.resolver()
  end)
end)
