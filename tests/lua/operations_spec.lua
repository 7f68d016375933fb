-- Operations that wait, on raw sockets: native ones and, by the same words, those of LuaSocket.
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

    describe("receives", function()
      it("what is there at once, as three values", function()
        right:send("line\nabc")
        loop.run(copas, function()
          assert.same(pack("line", nil, nil), pack(copas.receive(left)))
          assert.same(pack("ab", nil, nil), pack(copas.receive(left, 2)))
          assert.same(pack("prefix c", nil, nil), pack(copas.receive(left, 8, "prefix ")))
        end)
      end)

      it("what comes later", function()
        loop.run(copas, function()
          assert.same(pack("line", nil, nil), pack(copas.receive(left)))
          assert.same(pack("12345", nil, nil), pack(copas.receive(left, 5)))
          assert.same(pack("the rest", nil, nil), pack(copas.receive(left, "*a")))
          assert.same(pack(nil, "closed", ""), pack(copas.receive(left, "*a")))
        end, function()
          for _, text in ipairs { "li", "ne\n1", "2345", "the ", "rest" } do
            copas.pause()
            copas.send(right, text)
          end
          copas.close(right)
        end)
      end)

      it("nothing if the peer closes", function()
        loop.run(copas, function()
          assert.same(pack(nil, "closed", ""), pack(copas.receive(left)))
          assert.same(pack(nil, "closed", ""), pack(copas.receive(left, 5)))
          assert.same(pack(nil, "closed", "x"), pack(copas.receive(left, 5, "x")))
        end, function() copas.close(right) end)
      end)

      it("a part if the peer closes", function()
        loop.run(copas, function()
          assert.same(pack(nil, "closed", "prefix part"), pack(copas.receive(left, "*l", "prefix ")))
        end, function()
          copas.pause()
          copas.send(right, "part")
          copas.close(right)
        end)
      end)

      it("what is there before the peer's close", function()
        right:send("line\npart")
        right:close()
        loop.run(copas, function()
          assert.equal("line", (copas.receive(left)))
          assert.same(pack(nil, "closed", "part"), pack(copas.receive(left)))
        end)
      end)

      it("lines and blocks of any length", function()
        local long = ("0123456789"):rep(50000)
        loop.run(copas, function()
          assert.is_true(long == copas.receive(left))
          assert.is_true(long == copas.receive(left, #long))
          assert.is_true(long == copas.receive(left, "*a"))
        end, function()
          copas.send(right, long .. "\n")
          copas.send(right, long)
          copas.send(right, long)
          copas.close(right)
        end)
      end)

      it("lines without any CR, however long, that came together", function()
        right:send("one\r\n" .. ("x\r"):rep(2000) .. "\n\r\r\nlast\n")
        loop.run(copas, function()
          assert.equal("one", (copas.receive(left)))
          assert.equal(("x"):rep(2000), (copas.receive(left)))
          assert.equal("", (copas.receive(left)))
          assert.equal("last", (copas.receive(left)))
        end)
      end)

      it("by no other patterns, before which nothing happens", function()
        right:send("line\n")
        loop.run(copas, function()
          for _, pattern in ipairs { "l", "*x", -1, {}, true } do
            check.error("bad argument", copas.receive, left, pattern)
            check.error("bad argument", copas.receivepartial, left, pattern)
            check.error("bad argument", copas.wrap(left).receive, copas.wrap(left), pattern)
          end
          copas.settimeout(left, 0.02)
          check.error("bad argument", copas.receive, left, {})
          assert.equal("line", (copas.receive(left)))
          assert.is_true(copas.pause(0.05) >= 0.05)
        end)
      end)

      it("into no other prefix", function()
        loop.run(copas, function() check.error("string expected", copas.receive, left, "*l", {}) end)
      end)

      it("by turns if several threads receive", function()
        local got = {}
        local threads = {}
        for index = 1, 4 do
          threads[index] = function()
            local line = copas.receive(left)
            got[#got + 1] = index .. line
          end
        end
        threads[5] = function()
          copas.pause()
          copas.pause()
          copas.send(right, "a\nb\n")
          copas.pause(0.01)
          copas.send(right, "c\n")
          copas.pause(0.01)
          copas.send(right, "d\n")
        end
        loop.run(copas, unpack(threads))

        assert.same({ "1a", "2b", "3c", "4d" }, got)
      end)

      it("what others have left in the buffer, without waiting for the descriptor", function()
        local got = {}
        loop.run(copas, function() got[1] = copas.receive(left) end, function() got[2] = copas.receive(left) end,
          function()
            copas.pause(0.01)
            copas.send(right, "one\ntwo\nthree\n")
            copas.close(right)
            copas.pause(0.02)
            got[3] = copas.receive(left)
            got[4] = select(2, copas.receive(left))
          end)

        assert.same({ "one", "two", "three", "closed" }, got)
      end)

      it("while another thread sends on it", function()
        sockets.narrow(left, right)
        local text = ("x"):rep(3e6)
        local got
        loop.run(copas, function()
          assert.equal(#text, (copas.send(left, text)))
          copas.close(left)
        end, function() got = copas.receive(left) end, function()
          copas.pause(0.01)
          copas.send(right, "hello\n")
          assert.is_true(text == copas.receive(right, "*a"))
        end)

        assert.equal("hello", got)
      end)
    end)

    describe("sends", function()
      it("and returns the index of the last byte, and two nils", function()
        loop.run(copas, function()
          assert.same(pack(5, nil, nil), pack(copas.send(left, "hello")))
          assert.same(pack(0, nil, nil), pack(copas.send(left, "")))
          assert.same(pack(3, nil, nil), pack(copas.send(left, "abcdef", 2, 3)))
          assert.same(pack(5, nil, nil), pack(copas.send(left, "abcdef", -3, -2)))
          assert.same(pack(9, nil, nil), pack(copas.send(left, "abc", 10)))
          assert.same(pack(2, nil, nil), pack(copas.send(left, 12)))
          copas.close(left)
          assert.equal("hello" .. "bc" .. "de" .. "12", (copas.receive(right, "*a")))
        end)
      end)

      it("everything, though the peer is slow", function()
        sockets.narrow(left, right)
        local text = {}
        for index = 1, 200000 do text[index] = ("%07d"):format(index) end
        text = table.concat(text)
        local result
        loop.run(copas, function()
          result = pack(copas.send(left, text, 8))
          copas.close(left)
        end, function() assert.is_true(text:sub(8) == copas.receive(right, "*a")) end)

        assert.same(pack(#text, nil, nil), result)
      end)

      it("until the timeout, and tells how far it got", function()
        sockets.narrow(left, right)
        copas.settimeout(left, 0.05)
        local start = copas.gettime()
        local result
        loop.run(copas, function() result = pack(copas.send(left, ("x"):rep(2e7), 101)) end)

        assert.is_nil(result[1])
        assert.equal("timeout", result[2])
        assert.is_true(result[3] >= 100 and result[3] < 2e7)
        assert.is_true(copas.gettime() - start > 0.05)
      end)

      it("nothing on a closed socket", function()
        left:close()
        loop.run(copas, function()
          assert.same(pack(nil, "closed", 0), pack(copas.send(left, "hello")))
          assert.same(pack(nil, "closed", 2), pack(copas.send(left, "hello", 3)))
          assert.same(pack(nil, "closed", ""), pack(copas.receive(left)))
        end)
      end)

      it("nothing else than strings and numbers", function()
        loop.run(copas, function()
          for _, value in ipairs { {}, true } do check.error("string expected", copas.send, left, value) end
          check.error("string expected", copas.send, left)
          check.error("number expected", copas.send, left, "text", {})
          copas.close(left)
          assert.same(pack(nil, "closed", ""), pack(copas.receive(right)))
        end)
      end)

      it("nothing in the midst of what another thread sends", function()
        sockets.narrow(left, right)
        local whole = ("a"):rep(4000000)
        local got
        loop.run(copas, function() copas.send(left, whole) end, function()
          copas.receive(left)
          copas.send(left, "answer")
        end, function()
          copas.pause(0.01)
          copas.send(right, "question\n")
          got = copas.receive(right, #whole + #"answer")
        end)

        assert.is_true(got == whole .. "answer")
      end)

      it("by turns if several threads send", function()
        sockets.narrow(left, right)
        local threads = {}
        for index = 1, 5 do
          threads[index] = function() copas.send(left, tostring(index):rep(100000)) end
        end
        local got
        threads[6] = function()
          copas.pause(0.01)
          got = copas.receive(right, 500000)
        end
        loop.run(copas, unpack(threads))

        for index = 1, 5 do
          local _, count = got:gsub(tostring(index), "")
          assert.equal(100000, count)
        end
      end)
    end)
  end)
end

describe("operations on sockets", function()
  local copas, socket

  before_each(function()
    copas = loop.fresh()
    socket = require("copas.socket")
  end)

  it("need a thread", function()
    local left = sockets.pair(socket)
    for _, f in ipairs { copas.receive, copas.receivepartial } do
      check.error("attempt to yield from outside a coroutine", f, left)
    end
  end)

  it("need none for what can be done at once #whole", function()
    local left, right = sockets.pair(socket)
    assert.same(pack(5, nil, nil), pack(copas.send(right, "line\n")))
    assert.same(pack("line", nil, nil), pack(copas.receive(left)))
    copas.wrap(right):send("part")
    check.error("attempt to yield from outside a coroutine", copas.receive, left)
    right:close()
    assert.same(pack(nil, "closed", "part"), pack(copas.wrap(left):receive()))

    local udp = socket.udp()
    udp:setsockname("127.0.0.1", 0)
    check.error("attempt to yield from outside a coroutine", copas.receivefrom, udp)
    udp:sendto("datagram", udp:getsockname())
    assert.equal("datagram", (copas.receivefrom(udp)))
  end)

  it("refuse sockets of the wrong class", function()
    local server = sockets.listen(socket)
    loop.run(copas, function()
      check.error("tcp{client} expected", copas.receive, server)
      check.error("tcp{client} expected", copas.receivepartial, server)
      check.error("tcp{client} expected", copas.send, server, "text")
      check.error("tcp{client} expected", copas.receive, socket.tcp())
      check.error("tcp{client}", copas.connect, server, "127.0.0.1", 80)
    end)
    server:close()
  end)

  it("refuse what is no socket", function()
    loop.run(copas, function()
      for _, f in ipairs { copas.receive, copas.receivepartial, copas.send, copas.connect, copas.close } do
        assert.is_false((pcall(f, nil, "x", "y")))
        assert.is_false((pcall(f, 12, "x", "y")))
        assert.is_false((pcall(f, {}, "x", "y")))
      end
    end)
  end)

  it("wait when they are called on a socket in blocking mode", function()
    local left, right = sockets.pair(socket)
    local order = {}
    loop.run(copas, function()
      local line = copas.receive(left)
      order[#order + 1] = line
    end, function()
      order[#order + 1] = "other"
      copas.send(right, "line\n")
    end)

    assert.same({ "other", "line" }, order)
  end)

  it("end when the raw socket is closed", function()
    local left = sockets.pair(socket)
    local got
    loop.run(copas, function() got = pack(copas.receive(left)) end, function()
      copas.pause()
      left:close()
    end)

    assert.same(pack(nil, "closed", ""), got)
  end)

  it("are fair to those that sleep, however much there is to read", function()
    local left, right = sockets.pair(socket)
    local done = false
    loop.run(copas, function()
      while not done do copas.send(right, ("x"):rep(1000)) end
      copas.close(right)
    end, function()
      repeat local data = copas.receive(left, 1) until not data
    end, function()
      local start = copas.gettime()
      for _ = 1, 3 do copas.pause(0.02) end
      done = true
      assert.is_true(copas.gettime() - start < 1)
    end)
  end)

  it("receive after those who wait already, also what lies in the buffer", function()
    local left, right = sockets.pair(socket)
    local got = {}
    local function reader(name)
      return function()
        for _ = 1, 2 do
          local line = copas.receive(left)
          got[#got + 1] = name .. line
        end
      end
    end
    loop.run(copas, reader("a"), reader("b"), function()
      copas.pause()
      copas.send(right, "1\n2\n3\n4\n")
    end)

    assert.same({ "a1", "b2", "a3", "b4" }, got)
  end)

  for _, what in ipairs { "receive", "send" } do
    it("let others run now and then, though they need not wait to " .. what, function()
      local left, right = sockets.pair(socket)
      right:send(("line\n"):rep(2000))
      local turns, done = 0, false
      loop.run(copas, function()
        for _ = 1, 2000 do copas[what](left, "*l") end
        done = true
      end, function()
        repeat
          turns = turns + 1
          copas.pause(0)
        until done
      end)

      assert.is_true(turns > 10)
    end)
  end

  it("may be used by thousands of threads", function()
    local server, port = sockets.listen(socket)
    server:close()
    server = socket.bind("127.0.0.1", port, 500)
    copas.addserver(server, copas.handler(function(skt)
      repeat
        local line = skt:receive()
        if line then skt:send(line .. "\n") end
      until not line
    end))
    local done = 0
    local threads = {}
    for index = 1, 200 do
      threads[index] = function()
        local skt = copas.wrap(socket.tcp())
        assert(skt:connect("127.0.0.1", port))
        for round = 1, 10 do
          local text = index .. " " .. round
          skt:send(text .. "\n")
          assert.equal(text, (skt:receive()))
        end
        skt:close()
        done = done + 1
        if done == 200 then copas.removeserver(server) end
      end
    end
    loop.run(copas, unpack(threads))

    assert.equal(200, done)
  end)
end)
