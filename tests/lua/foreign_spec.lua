local child = require("support.child")
local loop = require("support.loop")
local sockets = require("support.sockets")

describe("a socket from LuaSocket", function()
  local copas, luasocket, native

  before_each(function()
    copas = loop.fresh()
    luasocket = require("socket")
    native = require("copas.socket")
  end)

  teardown(child.cleanup)

  local function pair()
    local one, other = sockets.pair(luasocket)
    one:settimeout(0)
    other:settimeout(0)
    return one, other
  end

  it("waits in receive, with all patterns and prefixes", function()
    local server, client = pair()
    local got = {}
    loop.run(copas, function()
      got[1] = { copas.receive(server) }
      got[2] = { copas.receive(server, 5) }
      got[3] = { copas.receive(server, "*l", "pre-") }
      got[4] = { copas.receive(server, "*a") }
    end, function()
      for part in ("li,ne\n12,345li,ne\nal,l"):gmatch("[^,]+") do
        copas.pause()
        assert(copas.send(client, part))
      end
      copas.close(client)
    end)

    assert.same({ { "line" }, { "12345" }, { "pre-line" }, { "all" } }, got)
  end)

  it("gives three values from receive and send, two from connect", function()
    local server, client = pair()
    local listener, port = sockets.listen(luasocket)
    loop.run(copas, function()
      assert.equal(3, select("#", copas.send(client, "line\n")))
      assert.equal(3, select("#", copas.receive(server)))
      assert.equal(2, select("#", copas.connect(luasocket.tcp(), "127.0.0.1", port)))
    end)
    listener:close()
  end)

  it("gives what arrived from receivepartial", function()
    local server, client = pair()
    local got
    loop.run(copas, function()
      got = { copas.receivepartial(server, 10, "x") }
    end, function()
      copas.pause()
      copas.send(client, "abc")
    end)

    assert.same({ nil, "timeout", "xabc" }, got)
  end)

  it("gives the part that arrived before the connection ended", function()
    local server, client = pair()
    local got
    loop.run(copas, function()
      got = { copas.receive(server) }
    end, function()
      copas.pause()
      copas.send(client, "part")
      client:close()
    end)

    assert.same({ nil, "closed", "part" }, got)
  end)

  it("gives everything until the end, in whatever pieces it came", function()
    local one, other = pair()
    local got = {}
    loop.run(copas, function()
      got[1] = { copas.receive(one, "*a", "given ") }
      got[2] = { copas.receive(one, "*a", "given ") }
    end, function()
      copas.send(other, "first ")
      copas.pause(0.001)
      copas.send(other, "second")
      copas.pause(0.001)
      other:close()
    end)

    assert.same({ "given first second" }, got[1])
    assert.same({ nil, "closed", "given " }, got[2])
  end)

  it("may be in use by a handler when the state is closed", function()
    local ended = child.lua [[
      local copas = require "copas"
      local socket = require "socket"
      local server = socket.bind("127.0.0.1", 0)
      local _, port = server:getsockname()
      local client, handler
      copas.addserver(server, function(skt)
        handler = coroutine.running()
        copas.receive(skt)
      end)
      copas.addthread(function()
        client = copas.wrap(socket.tcp())
        client:connect("127.0.0.1", port)
      end)
      repeat copas.step(0.01) until client and handler
      io.write("ends")
    ]]

    assert.same({ out = "ends", err = "", code = 0 }, ended)
  end)

  it("waits in send until all is sent", function()
    local server, client = pair()
    sockets.narrow(server, client)
    local data = ("0123456789"):rep(200000)
    local sent, got
    loop.run(copas, function()
      sent = { copas.send(server, data, 11) }
      copas.close(server)
    end, function()
      got = copas.receive(client, "*a")
    end)

    assert.same({ #data }, sent)
    assert.is_true(got == data:sub(11))
  end)

  it("does all that in a wrapper", function()
    local server, port = sockets.listen(luasocket)
    local answer, ended
    copas.addserver(server, copas.handler(function(skt)
      skt:send(skt:receive() .. "!\n")
      ended = { skt:receivepartial("*a") }
      copas.removeserver(server)
    end))
    loop.run(copas, function()
      local skt = copas.wrap(luasocket.tcp())
      assert.equal(1, skt:connect("127.0.0.1", port))
      assert.equal(6, skt:send("hello\n"))
      answer = skt:receive()
      skt:close()
    end)

    assert.equal("hello!", answer)
    assert.same({ nil, "closed", "" }, ended)
  end)

  it("listens for a server, whose clients are of its kind and closed at the end", function()
    local server, port = sockets.listen(luasocket)
    local client_kind, closed
    copas.addserver(server, function(client)
      client_kind = tostring(client):match("^[^:]+")
      copas.send(client, "bye")
      copas.removeserver(server)
    end)
    loop.run(copas, function()
      local skt = luasocket.tcp()
      copas.connect(skt, "127.0.0.1", port)
      closed = { copas.receive(skt, 3), select(2, copas.receive(skt, 1)) }
    end)

    assert.equal(tostring((pair())):match("^[^:]+"), client_kind)
    assert.same({ "bye", "closed", "" }, closed)
  end)

  it("listens for a server inside of an object that can do no more than that needs", function()
    local server, port = sockets.listen(luasocket)
    local listener = {}
    for _, name in ipairs({ "accept", "close", "dirty", "getfd", "settimeout" }) do
      listener[name] = function(_, ...) return server[name](server, ...) end
    end
    local got
    copas.addserver(listener, function(client)
      got = copas.receive(client)
      copas.removeserver(listener)
    end)
    loop.run(copas, function()
      local skt = luasocket.tcp()
      copas.connect(skt, "127.0.0.1", port)
      copas.send(skt, "hello\n")
      skt:close()
    end)

    assert.equal("hello", got)
  end)

  it("is not closed by a server if autoclose is off", function()
    local server, port = sockets.listen(luasocket)
    local kept
    copas.autoclose = false
    copas.addserver(server, function(client)
      kept = client
      copas.removeserver(server)
    end)
    loop.run(copas, function() copas.connect(luasocket.tcp(), "127.0.0.1", port) end)

    assert.is_true(kept:getfd() >= 0)
    kept:close()
  end)

  it("cannot connect where nobody listens", function()
    local port = sockets.deaf_port(luasocket)
    local got
    loop.run(copas, function() got = { copas.connect(luasocket.tcp(), "127.0.0.1", port) } end)

    assert.same({ nil, "connection refused" }, { got[1], got[2]:lower() })
  end)

  it("has timeouts", function()
    local server, client = pair()
    sockets.narrow(server, client)
    local received, sent
    loop.run(copas, function()
      copas.settimeouts(server, nil, 0.05, 0.02)
      copas.send(client, "part")
      received = { copas.receive(server) }
      sent = { copas.send(server, ("x"):rep(2e7)) }
    end)

    assert.same({ nil, "timeout", "part" }, received)
    assert.same({ nil, "timeout" }, { sent[1], sent[2] })
    assert.is_true(sent[3] > 0 and sent[3] < 2e7)
  end)

  it("passes its timeouts on to the connections of a server", function()
    local server, port = sockets.listen(luasocket)
    local got
    copas.addserver(server, function(client)
      got = { copas.receive(client) }
      copas.removeserver(server)
    end, 0.02)
    local client
    loop.run(copas, function()
      client = luasocket.tcp()
      copas.connect(client, "127.0.0.1", port)
    end)

    assert.same({ nil, "timeout", "" }, got)
    client:close()
  end)

  it("keeps nobody from running if it is in blocking mode, and stays in that", function()
    local one, other = sockets.pair(luasocket)
    one:settimeout(5)
    one:settimeout(7, "t")
    local order = {}
    loop.run(copas, function()
      local line = copas.receive(one)
      order[#order + 1] = line
    end, function()
      order[#order + 1] = "other"
      copas.send(other, "line\n")
    end)

    assert.same({ "other", "line" }, order)
    assert.same({ 5, 7 }, { one:gettimeout() })
    assert.is_false((pcall(copas.receive, one, "no pattern")))
    assert.same({ 5, 7 }, { one:gettimeout() })
  end)

  it("wakes who waits for a line that came together with another's", function()
    local server, client = pair()
    local got = {}
    local function read()
      local line = copas.receive(server)
      got[#got + 1] = line
    end
    copas.settimeout(server, 10) -- then it looks once more
    local start = copas.gettime()
    loop.run(copas, read, read, function()
      copas.pause()
      client:send("one\ntwo\n")
    end)

    assert.same({ "one", "two" }, got)
    assert.is_true(copas.gettime() - start < 8)
  end)

  it("wakes all that wait for it when it is closed", function()
    local server = pair()
    local got = {}
    copas.addthread(function() got[1] = { copas.receive(server) } end)
    copas.addthread(function() got[2] = { copas.receive(server, 3, "ab") } end)
    loop.run(copas, function()
      copas.pause()
      copas.pause()
      assert.equal(1, copas.close(server))
    end)

    assert.equal("closed", got[1][2])
    assert.equal("closed", got[2][2])
  end)

  it("may share its number with another object", function()
    local server, client = pair()
    local other = luasocket.tcp()
    other:connect("127.0.0.1", sockets.deaf_port(luasocket))
    other:close()
    other = pair()
    other:close()
    other:setfd(server:getfd())
    local first, second
    loop.run(copas, function()
      first = copas.receive(server, 4)
    end, function()
      second = copas.receive(other, 4)
    end, function()
      copas.pause()
      copas.send(client, "aaaa")
      while not (first or second) do copas.pause() end -- LuaSocket would read both into the buffer of one object
      copas.send(client, "bbbb")
    end)
    other:setfd(-1)

    local got = { first, second }
    table.sort(got)
    assert.same({ "aaaa", "bbbb" }, got)
  end)

  it("may be closed behind our back, and its number be used again", function()
    local server = pair()
    local fd = server:getfd()
    local got, lost
    copas.settimeout(server, 0.2)
    loop.run(copas, function()
      lost = { copas.receive(server) }
    end, function()
      copas.pause()
      server:close()
      local again, peer = pair()
      local keep = { again, peer }
      while again:getfd() ~= fd and peer:getfd() ~= fd do
        again, peer = pair()
        keep[#keep + 1] = again
        keep[#keep + 1] = peer
      end
      copas.addthread(function()
        copas.pause()
        copas.send(peer, "line\n")
        if again:getfd() ~= fd then copas.send(again, "line\n") end
      end)
      got = copas.receive(again:getfd() == fd and again or peer)
    end)

    assert.equal("line", got)
    assert.is_nil(lost[1])
  end)

  it("works in one loop with native ones", function()
    local server, client = sockets.pair(native, luasocket)
    client:settimeout(0)
    local got = {}
    loop.run(copas, function()
      for index = 1, 20 do
        copas.send(server, index .. "\n")
        got[index] = copas.receive(server)
      end
    end, function()
      for _ = 1, 20 do copas.send(client, copas.receive(client) .. "!\n") end
    end)

    assert.equal("20!", got[20])
  end)
end)
