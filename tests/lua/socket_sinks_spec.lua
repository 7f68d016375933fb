-- The sinks and sources of LuaSocket's interface. What both should do is asked of LuaSocket itself, too, so that the two agree.
local check = require("support.check")
local kinds = require("support.kinds")
local sockets = require("support.sockets")

local pack = check.pack

for name, socket in pairs(kinds.libraries) do
  describe(name, function()
    local peer, client

    before_each(function() peer, client = sockets.pair(socket) end)
    after_each(function() sockets.close(peer, client) end)

    describe("sinks and sources", function()
      it("send what they are given", function()
        local sink = socket.sink("close-when-done", client)
        assert.equal(client:getfd(), sink:getfd())
        assert.is_false(sink:dirty())
        assert.truthy(sink("one "))
        assert.truthy(sink("two"))
        assert.truthy(sink(nil))

        assert.equal("one two", (peer:receive("*a")))
        assert.equal(-1, client:getfd())
      end)

      it("keep the socket open if told so, or nothing", function()
        for _, sink in ipairs { socket.sink("keep-open", client), socket.sink(client) } do
          sink("text")
          assert.equal(1, sink(nil))
          assert.is_true(client:getfd() >= 0)
        end
      end)

      it("give a number of bytes", function()
        peer:send("12345678")
        local source = socket.source("by-length", client, 5)

        assert.equal("12345", source())
        assert.is_nil(source())
        assert.equal("678", (client:receive(3)))
      end)

      it("give everything to the end", function()
        local text = ("x"):rep(5000)
        peer:send(text)
        peer:close()
        local got = {}
        local source = socket.source("until-closed", client)
        repeat
          local chunk = source()
          got[#got + 1] = chunk
        until not chunk

        assert.equal(text, table.concat(got))
        assert.equal(-1, client:getfd())
        assert.is_nil(source())
      end)

      it("end with an empty string if nothing comes", function()
        peer:close()
        local source = socket.source(client)

        assert.equal("", source())
        assert.is_nil(source())
      end)

      it("pass errors on", function()
        client:settimeout(0.01)
        assert.same(pack(nil, "timeout"), pack(socket.source("until-closed", client)()))
        assert.same(pack(nil, "timeout"), pack(socket.source("by-length", client, 5)()))
      end)

      it("are in tables that others may add to", function()
        for _, key in ipairs { "close-when-done", "keep-open", "default" } do
          assert.equal("function", type(socket.sinkt[key]))
        end
        for _, key in ipairs { "by-length", "until-closed", "default" } do
          assert.equal("function", type(socket.sourcet[key]))
        end
        socket.sinkt["mine"] = function(skt) return { skt } end
        assert.equal(client, socket.sink("mine", client)[1])
        socket.sinkt["mine"] = nil
        check.error("unknown key (mine)", socket.sink, "mine", client)
      end)
    end)
  end)
end
