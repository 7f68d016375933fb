-- How connections are made, how long one waits on them, and how they are closed: native ones and, by the same words,
-- those of LuaSocket.
local check = require("support.check")
local kinds = require("support.kinds")
local loop = require("support.loop")
local sockets = require("support.sockets")

local pack = check.pack

local unpack = table.unpack or unpack

for name, socket in pairs(kinds.modules) do
  describe(name, function()
    local copas, left, right -- both ends of a connection, raw

    before_each(function() copas, left, right = kinds.connected(socket) end)

    after_each(function() sockets.close(left, right) end)

    describe("gives up", function()
      it("after the timeout of the whole call, with what has come", function()
        copas.settimeout(left, 0.1)
        local done, start, took, result = false, nil, nil, nil
        loop.run(copas, function()
          start = copas.gettime()
          result = pack(copas.receive(left, 1000))
          took = copas.gettime() - start
          done = true
        end, function()
          while not done do
            copas.send(right, "x")
            copas.pause(0.01)
          end
        end)

        assert.is_nil(result[1])
        assert.equal("timeout", result[2])
        assert.matches("^x+$", result[3])
        assert.is_true(took > 0.1 and took < 3)
      end)

      it("never if the timeout is zero, negative or infinite, or there is none", function()
        for _, timeout in ipairs { 0, -1, math.huge, false } do
          copas.settimeout(left, timeout or nil)
          loop.run(copas, function() assert.equal("line", (copas.receive(left))) end, function()
            copas.pause(0.03)
            copas.send(right, "line\n")
          end)
        end
      end)

      it("alone, while others go on waiting", function()
        local got = {}
        loop.run(copas, function()
          copas.settimeout(left, 0.03)
          got[1] = select(2, copas.receive(left))
          local slept = copas.pause(0.1)
          assert.is_true(slept >= 0.1) -- nothing is left of the wait that could end it
        end, function()
          copas.pause()
          copas.settimeout(left, nil)
          got[2] = copas.receive(left)
        end, function()
          copas.pause(0.06)
          copas.send(right, "line\n")
        end)

        assert.same({ "timeout", "line" }, got)
      end)

      it("not when the data is there by then #whole", function()
        copas.settimeout(left, 0.02)
        loop.run(copas, function() assert.equal("line", (copas.receive(left))) end, function()
          copas.pause()
          right:send("line\n")
          socket.sleep(0.05) -- nobody runs until both the data and the timeout are due
        end)
      end)
    end)

    it("lets others have their turn before whoever has got a part #whole", function()
      local got = {}
      copas.addthread(function() got[1] = copas.receive(left, 6) end)
      copas.addthread(function() got[2] = copas.receive(left, 3) end)
      loop.settle(copas)
      for _, part in ipairs { "abc", "def", "ghi" } do
        right:send(part)
        loop.settle(copas)
      end

      assert.same({ "abcghi", "def" }, got)
    end)

    describe("closed by copas.close", function()
      it("wakes all that wait for it, in the next step, after the closer has gone on", function()
        sockets.narrow(left, right)
        local got = {}
        local function waiter(index, ...)
          local operation, arguments = ..., pack(select(2, ...))
          return function()
            got[index] = pack(operation(left, unpack(arguments, 1, arguments.n)))
            got[#got + 1] = "woken"
          end
        end
        loop.run(copas, waiter("line", copas.receive), waiter("bytes", copas.receive, 10),
          waiter("partial", copas.receivepartial), waiter("first", copas.send, ("x"):rep(2e7)),
          waiter("second", copas.send, "text"), function()
            copas.pause()
            copas.pause()
            copas.send(right, "part")
            repeat copas.pause(0.001) until left:getstats() == #"part"
            copas.close(left)
            got[#got + 1] = "closer"
            assert.same(pack(nil, "closed", ""), pack(copas.receive(left)))
          end)

        assert.equal("closer", got[1])
        assert.equal(6, #got)
        assert.equal("closed", got.line[2])
        assert.equal("closed", got.bytes[2])
        assert.equal("closed", got.partial[2] == "timeout" and "closed" or got.partial[2])
        assert.equal("part", (got.line[3] .. got.bytes[3] .. got.partial[3]))
        assert.equal("closed", got.first[2])
        assert.is_true(got.first[3] > 0 and got.first[3] < 2e7)
        assert.same(pack(nil, "closed", 0), got.second)
      end)

      it("returns what the raw close returns, whenever it is called", function()
        assert.same(pack(1), pack(copas.close(left)))
        assert.same(pack(1), pack(copas.close(left)))
        local wrapper = copas.wrap(right)
        assert.same(pack(1), pack(wrapper:close()))
        assert.same(pack(1), pack(wrapper:close()))
        assert.same(pack(1), pack(copas.close(right)))
      end)

      it("does not close what has its number next", function()
        local fd = left:getfd()
        local got
        loop.run(copas, function() copas.receive(left) end, function()
          copas.pause()
          copas.close(left)
          local new_left, new_right = sockets.pair(socket)
          new_left:settimeout(0)
          new_right:settimeout(0)
          copas.addthread(function() got = copas.receive(new_left) end)
          copas.pause(0.01)
          copas.send(new_right, "new\n")
          copas.pause(0.01)
          new_left:close()
          new_right:close()
        end)

        assert.is_true(fd >= 0)
        assert.equal("new", got)
      end)
    end)

    describe("connects", function()
      it("and returns one and nil", function()
        local server, port = sockets.listen(socket)
        loop.run(copas, function()
          local skt = socket.tcp()
          assert.same(pack(1, nil), pack(copas.connect(skt, "127.0.0.1", port, "ignored", {})))
          local accepted = server:accept()
          accepted:settimeout(0)
          copas.send(skt, "hello\n")
          assert.equal("hello", (copas.receive(accepted)))
          assert.same(pack(nil, "already connected"), pack(copas.connect(skt, "127.0.0.1", port)))
          accepted:close()
          skt:close()
        end)
        server:close()
      end)

      it("or says why not", function()
        local port = sockets.deaf_port(socket)
        loop.run(copas, function()
          local skt = socket.tcp()
          assert.same(pack(nil, "connection refused"), pack(copas.connect(skt, "127.0.0.1", port)))
          skt:close()
          skt = socket.tcp()
          assert.same(pack(nil, "host or service not provided, or not known"),
                      pack(copas.connect(skt, "no-such-host.invalid", port)))
          skt:close()
        end)
      end)

      it("to a host and a port, without which nothing happens", function()
        loop.run(copas, function()
          local skt = socket.tcp()
          check.error("string expected", copas.connect, skt)
          check.error("string expected", copas.connect, skt, "127.0.0.1")
          check.error("string expected", copas.connect, skt, {}, 80)
          assert.matches("^tcp{master}", tostring(skt))
        end)
      end)

      it("to names", function()
        local server, port = sockets.listen(socket)
        loop.run(copas, function()
          local skt = copas.wrap(socket.tcp())
          assert.same(pack(1, nil), pack(skt:connect("localhost", port)))
          skt:close()
        end)
        server:close()
      end)

      it("until the timeout", function()
        local port, close = sockets.full_listener(socket)
        local result
        loop.run(copas, function()
          local skt = socket.tcp()
          copas.settimeouts(skt, 0.05)
          result = pack(copas.connect(skt, "127.0.0.1", port))
          skt:close()
        end)
        close()

        assert.same(pack(nil, "timeout"), result)
      end)

      it("until they are closed, which does not begin anew", function()
        local port, close = sockets.full_listener(socket)
        local skt = socket.tcp()
        local result
        loop.run(copas, function()
          copas.settimeouts(skt, 10)
          result = pack(copas.connect(skt, "127.0.0.1", port))
        end, function()
          copas.pause()
          copas.close(skt)
        end)
        close()

        assert.same(pack(nil, "closed"), result)
        assert.equal(-1, skt:getfd())
      end)
    end)

    describe("has timeouts", function()
      it("that have to be numbers or nil", function()
        for _, target in ipairs { left, copas.wrap(left) } do
          for _, value in ipairs { "1", {}, true } do
            assert.same(pack(nil, "timeout must be 'nil' or a number"), pack(copas.settimeout(target, value)))
            assert.same(pack(nil, "connect timeout must be 'nil' or a number"),
                        pack(copas.settimeouts(target, value)))
            assert.same(pack(nil, "send timeout must be 'nil' or a number"),
                        pack(copas.settimeouts(target, nil, value)))
            assert.same(pack(nil, "read timeout must be 'nil' or a number"),
                        pack(copas.settimeouts(target, 1, 1, value)))
          end
        end
        local wrapper = copas.wrap(left)
        assert.same(pack(nil, "timeout must be 'nil' or a number"), pack(wrapper:settimeout("1")))
        assert.same(pack(nil, "read timeout must be 'nil' or a number"), pack(wrapper:settimeouts(1, 1, {})))
      end)

      it("that are accepted with true", function()
        local wrapper = copas.wrap(left)
        assert.same(pack(true), pack(copas.settimeout(left, 1)))
        assert.same(pack(true), pack(copas.settimeout(left)))
        assert.same(pack(true), pack(copas.settimeouts(left, nil, -1, math.huge)))
        assert.same(pack(true), pack(wrapper:settimeout(0)))
        assert.same(pack(true), pack(wrapper:settimeouts(1, 2, 3)))
      end)

      it("for each direction, of which nil changes none", function()
        copas.settimeouts(left, nil, nil, 0.02)
        copas.settimeouts(left, 5, 5, nil)
        loop.run(copas, function() assert.equal("timeout", (select(2, copas.receive(left)))) end)
      end)

      it("that a negative number takes away", function()
        copas.settimeout(left, 0.01)
        copas.settimeouts(left, nil, nil, -1)
        loop.run(copas, function() assert.equal("line", (copas.receive(left))) end, function()
          copas.pause(0.04)
          copas.send(right, "line\n")
        end)
      end)

      it("that belong to the raw socket, wrapped or not", function()
        local wrapper = copas.wrap(left)
        wrapper:settimeout(0.02)
        loop.run(copas, function() assert.equal("timeout", (select(2, copas.receive(left)))) end)
        copas.settimeout(wrapper, 0.03)
        loop.run(copas, function() assert.equal("timeout", (select(2, copas.wrap(left):receive()))) end)
      end)

      it("of its own methods, which are not those of Copas", function()
        copas.settimeout(left, 0.01)

        assert.same(pack(0, -1), pack(left:gettimeout()))
      end)
    end)
  end)
end
