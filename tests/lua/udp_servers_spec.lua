-- UDP servers: handlers of datagrams.
local check = require("support.check")
local child = require("support.child")
local datagrams = require("support.datagrams")
local kinds = require("support.kinds")
local loop = require("support.loop")
local sockets = require("support.sockets")

local native, luasocket = kinds.native, kinds.luasocket

for name, socket in pairs(kinds.libraries) do
  describe("UDP of " .. name, function()
    local server, port, client

    before_each(function() server, port, client = datagrams.pair(socket) end)
    after_each(function() sockets.close(server, client) end)

    describe("as a server", function()
      local copas

      before_each(function() copas = loop.fresh() end)

      -- Echoes until it is told to quit.
      local function echo(skt)
        while true do
          local data, ip, from = skt:receivefrom()
          if not data or data == "quit" then break end
          skt:sendto(data .. "!", ip, from)
        end
      end

      it("has its handler called within addserver, once, with the raw socket", function()
        local got
        assert.equal(0, select("#", copas.addserver(server, function(...) got = check.pack(...) end)))

        assert.same(check.pack(server), got)
        assert.equal(0, server:gettimeout())
        assert.is_true(copas.finished())
      end)

      it("runs its handler in a thread until that first waits", function()
        local order = {}
        copas.addserver(server, function(skt)
          order[#order + 1] = "handler"
          copas.receive(skt, 10)
          order[#order + 1] = "received"
        end)
        order[#order + 1] = "added"
        client:send("x")
        copas.loop()

        assert.same({ "handler", "added", "received" }, order)
      end)

      it("may be added by a thread, which goes on afterwards", function()
        local order, own = {}, nil
        loop.run(copas, function()
          local me = coroutine.running()
          copas.addserver(server, function(skt)
            own = coroutine.running()
            order[#order + 1] = "handler"
            local data = copas.receive(skt, 10)
            order[#order + 1] = data
          end)
          order[#order + 1] = coroutine.running() == me and "me" or "somebody else"
          copas.pause()
          client:send("x")
          copas.pause()
          assert.are_not.equal(me, own)
        end)

        assert.same({ "handler", "me", "x" }, order)
      end)

      it("may be added by another server's handler", function()
        local other, other_port = datagrams.bind(socket)
        local got
        copas.addserver(server, function(skt)
          copas.addserver(other, function(inner) got = copas.receive(inner, 10) end)
          copas.receive(skt, 10)
        end)
        client:send("x")
        local second = datagrams.connect(socket, other_port)
        second:send("y")
        copas.loop()

        assert.equal("y", got)
        other:close()
        second:close()
      end)

      it("serves clients", function()
        copas.addserver(server, copas.handler(echo))
        loop.run(copas, function()
          local peer = copas.wrap(client)
          peer:settimeout(5)
          for _, word in ipairs { "hello", "", "world" } do
            peer:send(word)
            assert.equal(word .. "!", (peer:receive()))
          end
          peer:send("quit")
        end)

        assert.is_true(server:getfd() >= 0)
      end)

      it("has a handler with a name", function()
        local names = {}
        copas.addserver(server, function(skt)
          names = { copas.getthreadname(), copas.getsocketname(skt) }
        end, nil, "echo")
        assert.same({ "echo:handler", "echo" }, names)

        copas.addserver(server, function() names = { copas.getthreadname() } end)
        assert.same({ "echo:handler" }, names)
        local other = datagrams.bind(socket)
        copas.addserver(other, function() names = { copas.getthreadname() } end)
        assert.same({ tostring(other) .. ":handler" }, names)
        other:close()
      end)

      it("has a timeout, or a name, as its third argument", function()
        local got
        copas.addserver(server, function(skt) got = check.pack(copas.receive(skt, 10)) end, 0.02)
        copas.loop()
        assert.same(check.pack(nil, "timeout", nil), got)

        copas.addserver(server, function() got = copas.getthreadname() end, "third")
        assert.equal("third:handler", got)
      end)

      it("may be wrapped, and its handler gets the raw socket", function()
        local got
        copas.addserver(copas.wrap(server), function(skt) got = skt end)

        assert.equal(server, got)
      end)

      it("is not closed when its handler ends, or fails", function()
        local errors = {}
        copas.seterrorhandler(function(...) errors[#errors + 1] = check.pack(...) end, true)
        copas.addserver(server, function() end)
        copas.addserver(server, function(skt)
          copas.receive(skt, 10)
          error("oops", 0)
        end)
        client:send("x")
        copas.loop()

        assert.is_true(server:getfd() >= 0)
        assert.equal("oops", errors[1][1])
        assert.equal(server, errors[1][3])
      end)

      it("tells the error handler of an error before the first wait", function()
        local errors = {}
        copas.seterrorhandler(function(err, co, skt)
          errors[#errors + 1] = { err, copas.getthreadname(co), skt }
        end, true)
        copas.addserver(server, function() error("early", 0) end, nil, "mine")

        assert.same({ "early", "mine:handler", server }, errors[1])
        assert.is_true(copas.finished())
      end)

      it("cannot run the loop in its handler", function()
        local message
        copas.addserver(server, function() message = select(2, pcall(copas.step, 0)) end)
        assert.matches("the loop runs already", message)
        assert.is_false(copas.step(0))
      end)

      it("has its handler replaced when it is added again", function()
        local got = {}
        local function handler(who)
          return function(skt)
            while true do
              local data = copas.receive(skt, 10)
              got[#got + 1] = who .. data
              if data == "quit" then return end
            end
          end
        end
        copas.addserver(server, handler("first "))
        loop.run(copas, function()
          client:send("a")
          copas.pause(0.01)
          copas.addserver(server, handler("second "))
          client:send("b")
          client:send("quit")
        end)

        assert.same({ "first a", "second b", "second quit" }, got)
      end)

      it("has a handler that removethread does not touch", function()
        local co, got
        copas.addserver(server, function(skt)
          co = coroutine.running()
          got = copas.receive(skt, 10)
        end)
        loop.run(copas, function()
          copas.removethread(co)
          client:send("x")
        end)

        assert.equal("x", got)
      end)

      it("is closed when it is removed, which its handler hears", function()
        local got
        copas.addserver(server, function(skt) got = check.pack(copas.receive(skt, 10)) end)
        loop.run(copas, function()
          assert.same(check.pack(1), check.pack(copas.removeserver(server)))
          assert.same(check.pack(1), check.pack(copas.removeserver(server)))
        end)

        assert.same(check.pack(nil, "closed", nil), got)
        assert.equal(-1, server:getfd())
      end)

      it("loses its handler when it is removed and kept open, and may be added again", function()
        local got = {}
        copas.addserver(server, function(skt) got[1] = copas.receive(skt, 10) end)
        assert.same(check.pack(true), check.pack(copas.removeserver(server, true)))
        copas.loop() -- ends
        copas.addserver(server, function(skt) got[2] = copas.receive(skt, 10) end)
        client:send("x")
        copas.loop()

        assert.same({ [2] = "x" }, got)
      end)

      it("stays open when its wrapper is removed", function()
        copas.addserver(server, function(skt) copas.receive(skt, 10) end)
        assert.same(check.pack(true), check.pack(copas.removeserver(copas.wrap(server))))
        copas.loop()

        assert.is_true(server:getfd() >= 0)
      end)

      it("may be removed by its own handler, which goes on", function()
        local got
        copas.addserver(server, function(skt)
          copas.receive(skt, 10)
          copas.removeserver(skt, true)
          got = copas.receive(skt, 10)
        end)
        loop.run(copas, function()
          client:send("x")
          client:send("y")
        end)

        assert.equal("y", got)
      end)

      it("passes further arguments and all results through copas.handler", function()
        local handler = copas.handler(function(skt, ...) return skt.socket, ... end)

        assert.same(check.pack(server, 1, nil, 3), check.pack(handler(server, 1, nil, 3)))
        assert.same(check.pack(server), check.pack(handler(copas.wrap(server))))
      end)

      it("does not go on in clear where TLS is asked for", function()
        local handler = copas.handler(function() end, { wrap = { mode = "server", protocol = "any" } })

        assert.is_false((pcall(handler, server)))
      end)
    end)

    it("talks to other programs", function()
      if not child.has("python3") then return pending("no python3 here") end
      local copas = loop.fresh()
      local got
      copas.addserver(server, copas.handler(function(skt)
        skt:settimeout(10)
        local data, ip, from = skt:receivefrom()
        skt:sendto(data:upper(), ip, from)
        got = skt:receive()
      end))
      local pipe
      loop.run(copas, function()
        pipe = io.popen(("python3 -c %s 2>&1"):format(child.quote(([[
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(10)
s.sendto(b"from python", ("127.0.0.1", %d))
data, address = s.recvfrom(100)
s.sendto(b"got " + data, address)
]]):format(port))))
      end)

      assert.equal("", pipe:read("*a"))
      pipe:close()
      assert.equal("got FROM PYTHON", got)
    end)
  end)
end

describe("UDP of both modules", function()
  it("meets in one loop", function()
    local copas = loop.fresh()
    local server, port = datagrams.bind(native)
    local client = datagrams.connect(luasocket, port)
    client:settimeout(0)
    copas.addserver(server, copas.handler(function(skt)
      for _ = 1, 20 do
        local data, ip, from = skt:receivefrom()
        skt:sendto(data .. "!", ip, from)
      end
    end))
    local got = {}
    loop.run(copas, function()
      for index = 1, 20 do
        copas.send(client, index)
        got[index] = copas.receive(client, 10)
      end
    end)

    assert.equal("20!", got[20])
    server:close()
    client:close()
  end)

  it("is an object's that says so by its methods", function()
    local copas = loop.fresh()
    local calls = {}
    local dummy = { settimeout = function() end, receivefrom = function(_, size)
      calls[#calls + 1] = size
      return "data", "ip", "port"
    end }
    loop.run(copas, function()
      local wrapped = copas.wrap(dummy)
      assert.same(check.pack("data", "ip", "port"), check.pack(wrapped:receivefrom()))
      assert.same(check.pack("data", "ip", "port"), check.pack(copas.receivefrom(dummy, 5)))
      assert.is_true(wrapped:close())
    end)

    assert.same({ 8192, 5 }, calls)
  end)
end)
