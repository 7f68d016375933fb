-- How LuaSocket's TCP objects receive and send. What both should do is asked of LuaSocket itself, too, so that the two agree.
local check = require("support.check")
local kinds = require("support.kinds")
local sockets = require("support.sockets")

local pack = check.pack

for name, socket in pairs(kinds.libraries) do
  local is_native = socket == kinds.native

  describe(name, function()
    local peer, client

    before_each(function() peer, client = sockets.pair(socket) end)
    after_each(function() sockets.close(peer, client) end)

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
        for count = 0, 6 do assert.same(pack("prefix", nil, nil), pack(client:receive(count, "prefix"))) end
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
  end)
end
