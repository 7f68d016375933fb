-- Objects of a user's own, in place of sockets: whatever has the methods that are called.

local loop = require("support.loop")
local sockets = require("support.sockets")

local pack = require("support.check").pack
local unpack = table.unpack or unpack

describe("an object of a user's, in place of a socket,", function()
  local copas

  before_each(function() copas = loop.fresh() end)

  it("is called as given, with the defaults", function()
    local calls = {}
    local function method(name)
      return function(...) calls[#calls + 1] = { name, n = select("#", ...), select(2, ...) } return 1 end
    end
    local dummy = { receive = method("receive"), send = method("send"), connect = method("connect"),
                    close = method("close"), settimeout = function() end }
    loop.run(copas, function()
      copas.receive(dummy)
      copas.receive(dummy, 5, "x")
      copas.send(dummy, "data")
      copas.send(dummy, "data", 2, 3)
      copas.connect(dummy, "host", 80)
      copas.close(dummy, "why")
    end)

    for _, call in ipairs(calls) do call.n = nil end
    assert.same({ { "receive", "*l" }, { "receive", 5, "x" }, { "send", "data", 1 }, { "send", "data", 2, 3 },
                  { "connect", "host", 80 }, { "close", "why" } }, calls)
  end)

  it("has its results passed on unchecked", function()
    local marker = {}
    local dummy = {
      receive = function() return marker, 2, false end,
      send = function() end,
      connect = function() return marker, 2, 3 end,
      close = function() return 1, 2, 3, 4 end,
      settimeout = function() end,
    }
    loop.run(copas, function()
      assert.same(pack(marker, 2, false), pack(copas.receive(dummy)))
      assert.same(pack(marker, 2, false), pack(copas.receivepartial(dummy)))
      assert.same(pack(nil, nil, nil), pack(copas.send(dummy)))
      assert.same(pack(marker, 2), pack(copas.connect(dummy, "host", 80)))
      assert.same(pack(1, 2, 3, 4), pack(copas.close(dummy)))
    end)
  end)

  it("throws what it throws", function()
    local dummy = { receive = function() error("mine", 0) end, send = function() error({ 1 }) end }
    loop.run(copas, function()
      -- under Lua 5.1 nothing waits here
      assert.same({ false, "mine" }, { pcall(copas.receive, dummy) })
      assert.same({ false, { 1 } }, { pcall(copas.send, dummy, "x") })
    end)
  end)

  it("is waited for by its descriptor, and called again with the part", function()
    local server, client = sockets.pair(require("socket"))
    server:settimeout(0)
    client:settimeout(0)
    local prefixes = {}
    local proxy = {
      getfd = function() return server:getfd() end,
      receive = function(_, pattern, prefix)
        prefixes[#prefixes + 1] = prefix or "none"
        local data, err, partial = server:receive(pattern, prefix)
        if err == "timeout" then err = "wantread" end
        return data, err, partial
      end,
    }
    local got
    loop.run(copas, function()
      got = { copas.receive(proxy) }
    end, function()
      copas.pause()
      copas.send(client, "li")
      copas.pause(0.01)
      copas.send(client, "ne\n")
    end)

    assert.same({ "line" }, got)
    assert.equal("none", prefixes[1])
    assert.equal("li", prefixes[#prefixes])
  end)

  it("keeps nothing back of what came right before a reset", function()
    local answers = { { nil, "timeout", "first " }, { nil, "closed", "first and last" } }
    local object = {
      getfd = function() return -1 end,
      receive = function() return unpack(table.remove(answers, 1), 1, 3) end,
    }
    local got
    loop.run(copas, function() got = pack(copas.receive(object, "*a")) end)

    assert.same(pack(nil, "closed", "first and last"), got)
  end)

  it("is asked again until its time is over if it has no descriptor to wait for", function()
    local attempts, others, over = 0, 0, false
    local object = {
      getfd = function() return -1 end,
      receive = function()
        attempts = attempts + 1
        return nil, "timeout", ""
      end,
    }
    assert(copas.settimeout(object, 0.05))

    loop.run(copas, function()
      assert.same({ nil, "timeout", "" }, { copas.receive(object) })
      over = true
    end, function()
      repeat
        others = others + 1
        copas.pause(0.001)
      until over
    end)

    assert.is_true(attempts > 1)
    assert.is_true(others > 1)
  end)

  it("may be wrapped", function()
    local sent = {}
    local dummy = {
      settimeout = function() end,
      send = function(_, data) sent[#sent + 1] = data return #data end,
      receive = function() return "line" end,
    }
    loop.run(copas, function()
      local skt = copas.wrap(dummy)
      assert.equal(3, skt:send("abc"))
      assert.equal("line", skt:receive())
    end)

    assert.same({ "abc" }, sent)
  end)

  it("lets others run though it never waits", function()
    local over = false
    local dummy = { receive = function() return "line" end, send = function(_, data) return #data end }
    local rounds = 0
    loop.run(copas, function()
      while not over do
        copas.receive(dummy)
        copas.send(dummy, "x")
        copas.receivepartial(dummy)
        rounds = rounds + 1
      end
    end, function()
      for _ = 1, 5 do copas.pause(0.002) end
      over = true
    end)

    assert.is_true(rounds > 0)
  end)
end)
