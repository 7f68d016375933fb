-- A part of the module that is loaded only when a program needs it. It is seen when its chunk runs.
local loop = require("support.loop")
local sockets = require("support.sockets")

local socket = require("copas.socket")
local luasocket = require("socket")

describe("the part for sockets that are not native", function()
  local copas, times

  local function note_chunk()
    local called = debug.getinfo(2, "S")
    if called.what == "main" and called.source == "=copas/foreign.lua" then times = times + 1 end
  end

  -- Watches what the current coroutine calls: each has a hook of its own.
  local function watch() debug.sethook(note_chunk, "c") end

  local function watched(body)
    return function(...)
      watch()
      return body(...)
    end
  end

  before_each(function()
    times = 0
    watch()
    copas = loop.fresh()
  end)

  after_each(function() debug.sethook() end)

  it("is not loaded with the module", function()
    assert.equal(0, times)
  end)

  it("is not loaded by a program with native sockets", function()
    local server, port = sockets.listen(socket)
    copas.addserver(server, copas.handler(watched(function(skt)
      skt:send(skt:receive() .. "\n")
    end)))
    loop.run(copas, watched(function()
      local skt = copas.wrap(socket.tcp())
      skt:settimeouts(10, 10, 10)
      assert(skt:connect("127.0.0.1", port))
      skt:send("line\n")
      assert.equal("line", skt:receive())
      assert.equal("closed", select(2, skt:receivepartial(1)))
      skt:close()

      local datagrams = copas.wrap(socket.udp())
      datagrams:setsockname("127.0.0.1", 0)
      datagrams:sendto("datagram", datagrams:getsockname())
      assert.equal("datagram", (datagrams:receivefrom()))
      datagrams:close()

      local raw = socket.tcp()
      copas.settimeout(raw, 10)
      copas.setsocketname("raw", raw)
      copas.connect(raw, "127.0.0.1", port)
      copas.send(raw, "line\n")
      assert.equal("line", (copas.receive(raw)))
      copas.close(raw)
      copas.removeserver(server)
    end))

    assert.equal(0, times)
  end)

  it("is loaded once, when the first of them is met", function()
    local left, right = sockets.pair(luasocket)
    left:settimeout(0)
    right:settimeout(0)
    local before, after
    loop.run(copas, watched(function()
      before = times
      copas.send(left, "one\n")
      after = times
      assert.equal("one", (copas.receive(right)))
      copas.send(copas.wrap(left), "two\n")
    end))
    left:close()
    right:close()

    assert.same({ 0, 1, 1 }, { before, after, times })
  end)

  it("is loaded for each instance of the module", function()
    copas.settimeout(luasocket.tcp(), 1)
    loop.fresh().settimeout(luasocket.tcp(), 1)

    assert.equal(2, times)
  end)
end)
