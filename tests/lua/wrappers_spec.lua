-- Wrapped sockets: native ones and, by the same words, those of LuaSocket.
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

    describe("wrapped", function()
      local wrapper

      before_each(function() wrapper = copas.wrap(left) end)

      it("is a table with the raw socket in it", function()
        assert.equal("table", type(wrapper))
        assert.equal(left, wrapper.socket)
        assert.equal(tostring(left) .. " (copas wrapped)", tostring(wrapper))
        assert.equal(getmetatable(wrapper), getmetatable(copas.wrap(right)))
        assert.is_nil(wrapper.no_such_field)
        wrapper.mine = 1
        assert.equal(1, wrapper.mine)
      end)

      it("may be given to the functions of the module, and so may what passes calls on to it", function()
        sockets.narrow(left, right)
        wrapper:settimeout(0.005)
        local deputy = {}
        for _, method in ipairs { "receive", "send" } do
          deputy[method] = function(_, ...) return wrapper[method](wrapper, ...) end
        end

        local got, sent = {}, {}
        loop.run(copas, function()
          for index, object in ipairs { wrapper, deputy } do
            right:send("line\npart")
            got[index] = { copas.receive(object), copas.receive(object) }
          end
          for index, object in ipairs { wrapper, deputy } do
            local ok, err = copas.send(object, ("x"):rep(3000000))
            sent[index] = { ok or "nil", err }
          end
        end)

        assert.same({ { "line", nil, "timeout", "part" }, { "line", nil, "timeout", "part" } }, got)
        assert.same({ { "nil", "timeout" }, { "nil", "timeout" } }, sent)
      end)

      it("is not wrapped again", function()
        assert.equal(wrapper, copas.wrap(wrapper))
        assert.equal(wrapper, copas.wrap(wrapper, { wrap = {} }))
      end)

      it("does not block", function()
        local other = socket.tcp4()
        other:settimeout(5)
        copas.wrap(other)

        assert.equal(0, (other:gettimeout()))
        other:close()
      end)

      it("has the parameters it was given, in one form", function()
        assert.is_false(wrapper.ssl_params.wrap)
        assert.is_false(wrapper.ssl_params.sni)
        local context = { mode = "client" }
        assert.equal(context, copas.wrap(right, context).ssl_params.wrap)
        assert.is_false(copas.wrap(right, context).ssl_params.sni)
        context = { protocol = "any" }
        assert.equal(context, copas.wrap(right, context).ssl_params.wrap)
        local sni = {}
        local params = copas.wrap(right, { wrap = context, sni = sni }).ssl_params
        assert.equal(context, params.wrap)
        assert.equal(sni, params.sni)
        assert.is_false(copas.wrap(right, {}).ssl_params.wrap)
        assert.equal(io.stdout, copas.wrap(right, io.stdout).ssl_params.wrap)
        check.error("accessing unknown 'ssl_params' table key: mode", function() return wrapper.ssl_params.mode end)
        check.error("accessing unknown 'ssl_params' table key: mode", function() return params.mode end)
        check.error("ssl parameters; did not expect type text", copas.wrap, right, "text")
        check.error("ssl parameters; did not expect type 12", copas.wrap, right, 12)
      end)

      it("sends and receives", function()
        local other = copas.wrap(right)
        loop.run(copas, function()
          assert.same(pack(3, nil, nil), pack(wrapper:send("a\nbc\n", 1, 3)))
          assert.same(pack(2, nil, nil), pack(wrapper:send("c\n")))
          wrapper:close()
        end, function()
          assert.same(pack("a", nil, nil), pack(other:receive()))
          assert.same(pack("prefix bc", nil, nil), pack(other:receive("*l", "prefix ")))
          assert.same(pack(nil, "closed", ""), pack(other:receive(5)))
        end)
      end)

      it("sends parts of a string", function()
        loop.run(copas, function()
          assert.same(pack(5, nil, nil), pack(wrapper:send("hello", 2)))
          assert.same(pack(3, nil, nil), pack(wrapper:send("hello", 2, 3)))
          assert.same(pack(5, nil, nil), pack(wrapper:send("hello", -2)))
          assert.same(pack(9, nil, nil), pack(wrapper:send("hello", 10)))
          assert.equal("elloello", (copas.receive(right, 8)))
        end)
      end)

      it("waits for the first byte only if its timeout is zero #whole", function()
        wrapper:settimeout(0)
        loop.run(copas, function()
          assert.same(pack(nil, "timeout", "part"), pack(wrapper:receive()))
          assert.same(pack("line", nil, nil), pack(wrapper:receive()))
          assert.same(pack(nil, "closed", ""), pack(wrapper:receive()))
        end, function()
          copas.pause(0.02)
          copas.send(right, "part")
          copas.pause(0.02)
          copas.send(right, "line\n")
          copas.close(right)
        end)
      end)

      it("receives partially #whole", function()
        loop.run(copas, function()
          assert.same(pack(nil, "timeout", "xpart"), pack(wrapper:receivepartial("*l", "x")))
        end, function() copas.send(right, "part") end)
      end)

      it("gives up after its timeout", function()
        wrapper:settimeouts(nil, nil, 0.02)
        loop.run(copas, function() assert.same(pack(nil, "timeout", ""), pack(wrapper:receive())) end)
      end)

      it("wakes who waits when it is closed", function()
        local got
        loop.run(copas, function() got = pack(wrapper:receive()) end, function()
          copas.pause()
          copas.send(right, "part")
          copas.pause(0.01)
          wrapper:close()
        end)

        assert.same(pack(nil, "closed", "part"), got)
      end)

      it("wakes who waits when the raw socket is shut down", function()
        local got
        loop.run(copas, function() got = pack(wrapper:receive()) end, function()
          copas.pause(0.01)
          left:shutdown("both")
        end)

        assert.same(pack(nil, "closed", ""), got)
      end)

      it("connects", function()
        local server, port = sockets.listen(socket)
        loop.run(copas, function()
          local skt = copas.wrap(socket.tcp())
          assert.same(pack(1, nil), pack(skt:connect("127.0.0.1", port, "ignored")))
          skt:close()
          server:close()
          skt = copas.wrap(socket.tcp())
          assert.same(pack(nil, "connection refused"), pack(skt:connect("127.0.0.1", port)))
          skt:close()
        end)
      end)

      it("binds, listens and accepts raw clients without waiting", function()
        local server = copas.wrap(socket.tcp())
        assert.equal(1, server:bind("127.0.0.1", 0))
        assert.equal(1, server:listen())
        assert.same(pack(nil, "timeout"), pack(server:accept()))
        local _, port = server:getsockname()
        local skt = socket.connect("127.0.0.1", port)
        local accepted
        repeat accepted = server:accept() until accepted
        assert.matches("^tcp{client}", tostring(accepted))
        for _, each in ipairs { skt, accepted, server } do each:close() end
      end)

      it("refuses methods of other classes", function()
        check.error("tcp{server} expected", wrapper.accept, wrapper)
        check.error("tcp{master} expected", wrapper.bind, wrapper, "127.0.0.1", 0)
        check.error("tcp{master} expected", wrapper.listen, wrapper)
        local server = copas.wrap((sockets.listen(socket)))
        check.error("tcp{client} expected", server.shutdown, server)
        check.error("tcp{client} expected", server.getstats, server)
        check.error("tcp{client} expected", server.setstats, server)
        server:close()
      end)

      it("passes on the rest", function()
        right:send("x")
        loop.run(copas, function() wrapper:receive(1) end)
        assert.equal(1, (wrapper:getstats()))
        assert.equal(3, select("#", wrapper:getstats()))
        assert.equal(1, wrapper:setstats(7))
        assert.equal(7, (wrapper:getstats()))
        assert.equal(left:getfd(), wrapper:getfd())
        assert.is_false(wrapper:dirty())
        assert.equal(0, select("#", wrapper:flush()))
        assert.equal(0, select("#", copas.flush(left)))
        assert.equal(1, wrapper:shutdown("send"))
      end)

      it("gives names as three values", function()
        assert.same(pack(left:getsockname()), pack(wrapper:getsockname()))
        assert.same(pack(left:getpeername()), pack(wrapper:getpeername()))
        wrapper:close()
        assert.same(pack(nil, "Bad file descriptor", nil), pack(wrapper:getsockname()))
        assert.same(pack(nil, "Bad file descriptor", nil), pack(wrapper:getpeername()))
      end)

      it("gives options as two values, and throws nothing", function()
        assert.same(pack(1, nil), pack(wrapper:setoption("keepalive", true)))
        assert.same(pack(true, nil), pack(wrapper:getoption("keepalive")))
        local refused = pack(nil, "not implemented by LuaSec")
        assert.same(refused, pack(wrapper:setoption("nope", true)))
        assert.same(refused, pack(wrapper:setoption("keepalive", 1)))
        assert.same(refused, pack(wrapper:getoption("nope")))
        wrapper:close()
        assert.same(pack(nil, "setsockopt failed"), pack(wrapper:setoption("keepalive", true)))
        assert.same(pack(nil, "getsockopt failed"), pack(wrapper:getoption("keepalive")))
      end)

      it("lacks what upstream's wrapper lacks", function()
        for key in ("gettimeout getfamily setpeername setsockname sendto receivefrom info"):gmatch("%S+") do
          assert.is_nil(wrapper[key], key)
        end
      end)

      it("can be selected", function()
        right:send("x")

        assert.equal(wrapper, socket.select({ wrapper }, nil, 5)[1])
        assert.equal(wrapper, require("copas.socket").select({ wrapper }, nil, 5)[1])
      end)

      it("lets its methods be kept and called later", function()
        local receive, send = wrapper.receive, wrapper.send
        local other = copas.wrap(right)
        local got
        loop.run(copas, function()
          send(other, "line\n")
          got = receive(wrapper)
        end)

        assert.equal("line", got)
      end)

      it("follows its field socket", function()
        local new_left, new_right = sockets.pair(socket)
        new_left:settimeout(0)
        wrapper.socket = new_left
        new_right:send("new\n")
        local got
        loop.run(copas, function() got = wrapper:receive() end)

        assert.equal("new", got)
        new_left:close()
        new_right:close()
      end)

      it("calls the functions that the module has then", function()
        local called = {}
        local function patch(key, ...)
          local result = pack(...)
          copas[key] = function(...)
            called[key] = pack(...)
            return unpack(result, 1, result.n)
          end
        end
        patch("send", 42, nil, nil)
        patch("receive", "data", nil, nil)
        patch("receivepartial", nil, "timeout", "part")
        patch("connect", 1, nil)
        patch("close", "closed")
        patch("settimeout", true)
        patch("settimeouts", true)

        assert.same(pack(42, nil, nil), pack(wrapper:send("text", 1, 2)))
        assert.same(pack("data", nil, nil), pack(wrapper:receive("*a", "prefix")))
        assert.same(pack(nil, "timeout", "part"), pack(wrapper:receivepartial(5)))
        assert.same(pack(1, nil), pack(wrapper:connect("host", 80)))
        assert.same(pack("closed"), pack(wrapper:close()))
        wrapper:settimeout(1)
        wrapper:settimeouts(1, 2, 3)

        assert.same({ left, "text", 1, 2, n = 4 }, called.send)
        assert.same({ left, "*a", "prefix", n = 3 }, called.receive)
        assert.same({ left, 5 }, { called.receivepartial[1], called.receivepartial[2] })
        assert.same({ left, "host", 80 }, { called.connect[1], called.connect[2], called.connect[3] })
        assert.equal(left, called.close[1])
        assert.same({ left, 1 }, { called.settimeout[1], called.settimeout[2] })
        assert.same({ left, 1, 2, 3 }, { unpack(called.settimeouts, 1, 4) })
      end)

      it("lets patched functions wait", function()
        local receive = copas.receive
        copas.receive = function(...)
          copas.pause(0.01)
          return receive(...)
        end
        local got
        loop.run(copas, function() got = wrapper:receive() end, function() copas.send(right, "line\n") end)

        assert.equal("line", got)
      end)
    end)

    it("has TLS parameters that say no, until it is given others", function()
      local wrapper = copas.wrap(left)
      assert.same({ false, false }, { wrapper.ssl_params.wrap, wrapper.ssl_params.sni })
      check.error("this socket was wrapped without TLS parameters", function() wrapper.ssl_params.wrap = {} end)

      local params = { wrap = {}, sni = false }
      wrapper.ssl_params = params
      assert.equal(params, wrapper.ssl_params)
    end)

    describe("given to copas.handler", function()
      it("is wrapped, with all other arguments and all results", function()
        local got
        local handler = copas.handler(function(...)
          got = pack(...)
          return 1, nil, 3, nil
        end)

        assert.same(pack(1, nil, 3, nil), pack(handler(left, "more", nil)))
        assert.equal(left, got[1].socket)
        assert.same({ "more", nil, 3 }, { got[2], got[3], got.n })
      end)

      it("may be a wrapper already", function()
        local wrapper = copas.wrap(left)
        local got
        copas.handler(function(skt) got = skt end)(wrapper)

        assert.equal(wrapper, got)
      end)

      it("comes with parameters that are looked at for each connection", function()
        local handler = copas.handler(function() end, "bad")

        check.error("ssl parameters; did not expect type bad", handler, left)
      end)
    end)
  end)
end

describe("copas.wrap", function()
  local copas

  before_each(function() copas = loop.fresh() end)

  it("needs a socket", function()
    for _, value in ipairs { 12, "text", {}, true, io.stdout } do
      assert.is_false((pcall(copas.wrap, value)))
    end
    assert.is_false((pcall(copas.wrap, nil)))
    assert.is_false((pcall(copas.wrap)))
  end)
end)
