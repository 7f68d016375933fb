-- What only native UDP sockets do.
local check = require("support.check")
local datagrams = require("support.datagrams")
local loop = require("support.loop")

local native = require("copas.socket")

describe("a native UDP socket", function()
  local copas

  before_each(function() copas = loop.fresh() end)

  it("wakes those who wait for it when its raw close is called", function()
    local skt = datagrams.bind(native)
    local got
    loop.run(copas, function() got = check.pack(copas.receive(skt, 10)) end, function()
      copas.pause()
      skt:close()
    end)

    assert.same(check.pack(nil, "closed", nil), got)
  end)

  it("says that it is closed when it has no descriptor", function()
    local skt = native.udp()
    for _ = 1, 2 do
      assert.same(check.pack(nil, "closed"), check.pack(skt:receive()))
      assert.same(check.pack(nil, "closed"), check.pack(skt:receivefrom()))
      skt:setsockname("127.0.0.1", 0)
      skt:close()
    end
  end)

  it("refuses sizes that make no sense", function()
    local skt = datagrams.bind(native)
    for _, size in ipairs { -1, 0 / 0, -math.huge } do
      check.error("invalid datagram size", skt.receive, skt, size)
      loop.run(copas, function()
        check.error("invalid datagram size", copas.receive, skt, size)
        check.error("invalid datagram size", copas.receivefrom, skt, size)
      end)
    end
    skt:close()
  end)

  it("refuses option values of other types", function()
    local skt = datagrams.bind(native)
    for _, option in ipairs { "recv-buffer-size", "send-buffer-size", "ip-multicast-ttl" } do
      check.error("number expected, got boolean", skt.setoption, skt, option, true)
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
    if not datagrams.has_ipv6(native) then return pending("no IPv6 here") end
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
