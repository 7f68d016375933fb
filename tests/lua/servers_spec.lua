-- Servers, on native sockets and on those of LuaSocket.
local child = require("support.child")
local loop = require("support.loop")
local sockets = require("support.sockets")

local pack = require("support.check").pack

local modules = { ["a native server"] = require("copas.socket"), ["a server of LuaSocket"] = require("socket") }

for name, socket in pairs(modules) do
  describe(name, function()
    local copas, server, port

    before_each(function()
      copas = loop.fresh()
      server, port = sockets.listen(socket)
    end)

    after_each(function() server:close() end)

    -- Connects, sends, and gives what comes back until the end.
    local function ask(text)
      local client = copas.wrap(socket.tcp())
      assert(client:connect("127.0.0.1", port))
      if text then client:send(text) end
      local answer, err, partial = client:receive("*a")
      client:close()
      return answer or partial, err
    end

    local function run_client(body)
      loop.run(copas, function()
        body()
        copas.removeserver(server)
      end)
    end

    it("is added with nothing returned", function()
      assert.equal(0, select("#", copas.addserver(server, function() end)))
      copas.removeserver(server)
    end)

    it("gives each connection's raw socket to its handler, and nothing else", function()
      local got
      copas.addserver(server, function(...)
        got = pack(...)
        assert.matches("^tcp{client}", tostring((...)))
        copas.send((...), copas.receive((...)) .. "\n")
      end)
      run_client(function() assert.equal("hello\n", ask("hello\n")) end)

      assert.equal(1, got.n)
    end)

    it("gives sockets that do not block", function()
      local timeout
      copas.addserver(server, function(skt) timeout = skt:gettimeout() end)
      run_client(function() ask() end)

      assert.equal(0, timeout)
    end)

    it("runs each handler in a thread of its own", function()
      local threads, seen = 0, {}
      copas.addserver(server, function(skt)
        local me = coroutine.running()
        if not seen[me] then threads = threads + 1 end
        seen[me] = true
        copas.pause(0.01)
        copas.send(skt, "done")
      end)
      local answers = 0
      copas.addthread(function()
        for _ = 1, 10 do
          copas.addthread(function()
            if ask() == "done" then answers = answers + 1 end
            if answers == 10 then copas.removeserver(server) end
          end)
        end
      end)
      copas.loop()

      assert.equal(10, answers)
      assert.equal(10, threads)
    end)

    it("accepts connections that came before it was added", function()
      local client = socket.connect("127.0.0.1", port)
      local handled = false
      copas.addserver(server, function()
        handled = true
        copas.removeserver(server)
      end)
      copas.loop()

      assert.is_true(handled)
      client:close()
    end)

    it("may be a wrapper", function()
      local wrapper = copas.wrap(server)
      copas.addserver(wrapper, function(skt) copas.send(skt, "hello") end)
      loop.run(copas, function()
        assert.equal("hello", (ask()))
        assert.same(pack(1), pack(copas.removeserver(wrapper)))
      end)
      assert.equal(-1, server:getfd())
    end)

    it("has its handler replaced when it is added again", function()
      copas.addserver(server, function(skt) copas.send(skt, "first") end)
      run_client(function()
        assert.equal("first", (ask()))
        copas.addserver(server, function(skt) copas.send(skt, "second") end)
        assert.equal("second", (ask()))
      end)
    end)

    it("gives its timeout to its connections, and is not limited itself", function()
      copas.addserver(server, function(skt)
        local _, err = copas.receive(skt)
        copas.send(skt, err)
      end, 0.03)
      run_client(function()
        copas.pause(0.08)
        assert.equal("timeout", (ask()))
      end)
    end)

    it("gives all its timeouts to its connections", function()
      copas.settimeouts(server, 1, 2, 0.02)
      copas.addserver(server, function(skt) copas.send(skt, (select(2, copas.receive(skt)))) end)
      run_client(function() assert.equal("timeout", (ask())) end)
    end)

    it("gives its connections the timeouts that it has when they come", function()
      copas.addserver(server, function(skt) copas.send(skt, (select(2, copas.receive(skt)))) end, 3600)
      run_client(function()
        copas.pause()
        copas.settimeout(server, 0.02)
        assert.equal("timeout", (ask()))
      end)
    end)

    it("has a name as its fourth or third argument", function()
      copas.addserver(server, function(skt) copas.send(skt, copas.getsocketname(skt)) end, nil, "fourth")
      run_client(function() assert.equal("fourth:client_1", (ask())) end)
      assert.equal("fourth", copas.getsocketname(server))

      server, port = sockets.listen(socket)
      copas.addserver(server, function(skt) copas.send(skt, copas.getthreadname()) end, "third")
      run_client(function() assert.equal("third:handler_1", (ask())) end)
    end)

    it("has no name that is no string, without which nothing happens", function()
      local ok, err = pcall(copas.addserver, server, function() end, 5, {})

      assert.is_false(ok)
      assert.matches("expected arg #4 to be a string", err, 1, true)
      assert.is_true(copas.finished())
      server:close()
    end)

    it("tolerates other things instead of a timeout", function()
      copas.addserver(server, function(skt) copas.send(skt, "hello") end, {})
      run_client(function() assert.equal("hello", (ask())) end)
    end)

    it("goes on after a connection that there was no memory for", function()
      local native = getmetatable(copas).internal.native
      local serve, told = native.serve, {}
      native.serve = function()
        native.serve = serve
        error("not enough memory", 0)
      end
      copas.addserver(server, function(skt) copas.send(skt, "served") end)
      run_client(function()
        copas.seterrorhandler(function(err) told[#told + 1] = err end, true)
        assert.equal("", ask() or "")
        assert.equal("served", (ask()))
      end)

      assert.same({ "not enough memory" }, told)
    end)

    it("goes on after an error in a handler", function()
      local errors = {}
      local count = 0
      copas.addserver(server, function(skt)
        count = count + 1
        if count == 1 then error("oops", 0) end
        copas.send(skt, "hello")
      end)
      run_client(function()
        copas.seterrorhandler(function(err) errors[#errors + 1] = err end, true)
        assert.equal("", ask() or "")
        assert.equal("hello", (ask()))
      end)

      assert.same({ "oops" }, errors)
    end)

    describe("closes a connection", function()
      it("when its handler ends", function()
        copas.addserver(server, function(skt)
          copas.send(skt, "bye")
          copas.pause(0.01)
        end)
        run_client(function() assert.equal("bye", (ask())) end)
      end)

      it("when its handler ends, though somebody refers to it", function()
        local kept
        copas.addserver(server, function(skt) kept = skt end)
        run_client(function() ask() end)

        assert.equal(-1, kept:getfd())
      end)

      it("after the error handler has run", function()
        copas.addserver(server, function() error("oops", 0) end)
        run_client(function()
          copas.seterrorhandler(function(err, _, skt)
            skt:send("500 " .. err)
          end, true)
          assert.equal("500 oops", (ask()))
        end)
      end)

      it("waking those of its threads that still wait for it", function()
        local got
        copas.addserver(server, function(skt)
          copas.addthread(function() got = pack(copas.receive(skt)) end)
          copas.pause(0.01)
        end)
        run_client(function() ask() end)

        assert.same(pack(nil, "closed", ""), got)
      end)

      it("not if copas.autoclose was false when it was accepted", function()
        local kept
        copas.autoclose = false
        copas.addserver(server, function(skt)
          kept = skt
          copas.autoclose = true
        end)
        run_client(function()
          local client = copas.wrap(socket.tcp())
          client:connect("127.0.0.1", port)
          client:settimeout(0.03)
          assert.same(pack(nil, "timeout", ""), pack(client:receive(1)))
        end)

        assert.is_true(kept:getfd() >= 0)
        kept:close()
      end)

      it("not when its handler sleeps for ever and was collected, while others use it", function()
        local kept = {}
        copas.addserver(server, function(skt)
          kept[1] = skt
          copas.pauseforever()
        end)
        run_client(function()
          local client = copas.wrap(socket.tcp())
          client:connect("127.0.0.1", port)
          repeat copas.pause() until kept[1]
          loop.collect()
          copas.send(kept[1], "news\n")
          assert.equal("news", (client:receive()))
          kept[1] = nil
          loop.collect()
          assert.same(pack(nil, "closed", ""), pack(client:receive()))
        end)
      end)

      it("if copas.autoclose was true when it was accepted", function()
        copas.addserver(server, function() copas.autoclose = false end)
        run_client(function() assert.equal("closed", select(2, ask()) or "closed") end)
      end)

      it("not when it is the thread of somebody else that ends", function()
        local left, right = sockets.pair(socket)
        left:settimeout(0)
        right:send("line\n")
        loop.run(copas, function() copas.receive(left) end)

        assert.is_true(left:getfd() >= 0)
        left:close()
        right:close()
      end)
    end)

    it("waits for nobody if it is closed already, in a loop or before it", function()
      server:close()
      copas.addserver(server, function() end)
      copas.loop(function() copas.addserver(server, function() end) end)

      assert.is_true(copas.finished())
    end)

    describe("is removed", function()
      it("and closed, with what its close returns", function()
        copas.addserver(server, function() end)
        assert.same(pack(1), pack(copas.removeserver(server)))
        assert.equal(-1, server:getfd())
        assert.same(pack(1), pack(copas.removeserver(server)))
        copas.loop()
      end)

      it("and kept open if one says so, to be added again", function()
        copas.addserver(server, function(skt) copas.send(skt, "first") end)
        loop.run(copas, function()
          assert.equal("first", (ask()))
          assert.same(pack(true), pack(copas.removeserver(server, true)))
        end)
        assert.is_true(server:getfd() >= 0)
        copas.addserver(server, function(skt) copas.send(skt, "second") end)
        run_client(function() assert.equal("second", (ask())) end)
      end)

      it("without harm to its connections", function()
        copas.addserver(server, function(skt)
          copas.removeserver(server)
          copas.send(skt, "still " .. copas.receive(skt))
        end)
        loop.run(copas, function() assert.equal("still here", (ask("here\n"))) end)
      end)

      it("by its own handler, in the middle of many connections", function()
        local handled = 0
        copas.addserver(server, function()
          handled = handled + 1
          copas.removeserver(server)
        end)
        local clients = {}
        for index = 1, 5 do clients[index] = socket.connect("127.0.0.1", port) end
        copas.loop()

        assert.is_true(handled >= 1)
        for _, client in ipairs(clients) do client:close() end
      end)

      it("though it never was a server", function()
        assert.same(pack(1), pack(copas.removeserver(server)))
      end)

      it("when it is closed", function()
        copas.addserver(server, function() end)
        loop.run(copas, function()
          copas.pause()
          copas.close(server)
        end)

        assert.is_true(copas.finished())
      end)
    end)
  end)
end

describe("a server", function()
  it("has to listen, or its thread fails", function()
    local copas, socket = loop.fresh(), require("copas.socket")
    local errors = {}
    copas.seterrorhandler(function(err) errors[#errors + 1] = err end, true)
    local deaf = socket.tcp()
    copas.addserver(deaf, function() end)
    loop.settle(copas)
    deaf:close()

    assert.equal(1, #errors)
    assert.matches("tcp{server} expected", errors[1], 1, true)
  end)

  after_each(child.cleanup)

  it("needs a socket", function()
    local copas = loop.fresh()

    for _, value in ipairs { 12, "text", true } do assert.is_false((pcall(copas.addserver, value, print))) end
    assert.is_false((pcall(copas.addserver, nil, print)))
    copas.loop()
  end)

  it("on a port that is in use cannot be had", function()
    local socket = require("copas.socket")
    local server, port = sockets.listen(socket)

    assert.same({ nil, "address already in use" }, { socket.bind("127.0.0.1", port) })
    server:close()
  end)

  it("serves clients of other makes", function()
    if not child.has("socat") then return pending("no socat") end
    local result = child.lua [[
      local copas = require("copas")
      local socket = require("copas.socket")
      local server = socket.bind("127.0.0.1", 0)
      local _, port = server:getsockname()
      copas.addserver(server, copas.handler(function(skt)
        local line = skt:receive()
        skt:send("echo " .. line .. "\n")
        copas.removeserver(server)
      end))
      local pipe = io.popen("echo hello | socat -t5 - TCP:127.0.0.1:" .. port)
      copas()
      print(pipe:read("*a"))
    ]]

    assert.equal("", result.err)
    assert.matches("^echo hello\n", result.out)
  end)
end)
