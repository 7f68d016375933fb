-- Receives that are content with a part, on raw sockets: native ones and, by the same words, those of LuaSocket.
local check = require("support.check")
local kinds = require("support.kinds")
local loop = require("support.loop")
local sockets = require("support.sockets")

local pack = check.pack

for name, socket in pairs(kinds.modules) do
  describe(name .. " receives partially", function()
    local copas, left, right -- both ends of a connection, raw

    before_each(function() copas, left, right = kinds.connected(socket) end)

    after_each(function() sockets.close(left, right) end)

    it("what has come, as a timeout #whole", function()
      loop.run(copas, function()
        assert.same(pack(nil, "timeout", "part"), pack(copas.receivepartial(left)))
        assert.same(pack(nil, "timeout", "more"), pack(copas.receivepartial(left, 100)))
        assert.same(pack(nil, "timeout", "of all"), pack(copas.receivepartial(left, "*a")))
      end, function()
        for _, text in ipairs { "part", "more", "of all" } do
          copas.pause(0.01)
          copas.send(right, text)
        end
      end)
    end)

    it("complete items as such", function()
      right:send("line\n12345")
      loop.run(copas, function()
        assert.same(pack("line", nil, nil), pack(copas.receivepartial(left)))
        assert.same(pack("12345", nil, nil), pack(copas.receivepartial(left, 5)))
      end)
    end)

    it("a line that has come in several pieces #whole", function()
      local line = ("x"):rep(40000)
      right:send("1ab")
      loop.run(copas, function()
        assert.equal("1", (copas.receive(left, 1)))
        right:send("cd\n")
        assert.same(pack("abcd", nil, nil), pack(copas.receivepartial(left)))
        right:send(line .. "\n")
        assert.same(pack(line, nil, nil), pack(copas.receivepartial(left)))
      end)
    end)

    it("everything there is in front of the end #whole", function()
      right:send("answer")
      right:close()
      loop.run(copas, function()
        assert.same(pack("answer", nil, nil), pack(copas.receivepartial(left, "*a")))
        assert.same(pack(nil, "closed", ""), pack(copas.receivepartial(left, "*a")))
      end)
    end)

    it("a piece and the end behind it #whole", function()
      right:send("piece")
      right:close()
      loop.run(copas, function() assert.same(pack(nil, "closed", "piece"), pack(copas.receivepartial(left, 100))) end)
    end)

    it("something beyond the prefix", function()
      loop.run(copas, function()
        assert.same(pack(nil, "timeout", "prefix x"), pack(copas.receivepartial(left, "*l", "prefix ")))
      end, function()
        copas.pause(0.02)
        copas.send(right, "x")
      end)
    end)

    it("nothing, after the timeout", function()
      copas.settimeout(left, 0.02)
      loop.run(copas, function()
        assert.same(pack(nil, "timeout", ""), pack(copas.receivepartial(left)))
        assert.same(pack(nil, "timeout", "x"), pack(copas.receivepartial(left, "*l", "x")))
      end)
    end)

    it("the end", function()
      loop.run(copas, function()
        assert.same(pack(nil, "closed", ""), pack(copas.receivepartial(left)))
        assert.same(pack(nil, "closed", "x"), pack(copas.receivepartial(left, "*a", "x")))
      end, function() copas.close(right) end)
    end)

    it("what one turn may read, without a wait for what follows #whole", function()
      local share = 15 * 16384 + 1 -- the last of 16 reads finds the buffer of the system empty
      local part
      loop.run(copas, function()
        copas.send(right, ("x"):rep(share))
        part = pack(copas.receivepartial(left))
      end, function()
        copas.pause(0.2)
        copas.send(right, "\n")
      end)

      assert.is_true(part[1] == nil) -- rather than a long line in a report
      assert.equal("timeout", part[2])
      assert.is_true(#part[3] <= share)
    end)
  end)
end
