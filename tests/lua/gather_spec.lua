-- Small sends that leave together while there is more input to be dealt with.
local check = require("support.check")
local child = require("support.child")
local loop = require("support.loop")
local socket = require("copas.socket")
local sockets = require("support.sockets")

local pack = check.pack

describe("sends that are gathered", function()
  local copas, ours, peer -- the peer is another library's, whose calls make nothing of ours leave

  before_each(function()
    copas = loop.fresh()
    ours, peer = sockets.pair(socket, require("socket"))
    ours:settimeout(0)
    peer:settimeout(0)
  end)

  after_each(function()
    ours:close()
    peer:close()
  end)

  -- What has arrived at the peer.
  local function arrived()
    local all, _, part = peer:receive("*a")
    return all or part
  end

  -- Runs a thread that has received one of two lines, and answered it.
  local function after_an_answer(body)
    peer:send("one\ntwo\n")
    loop.run(copas, function()
      copas.receive(ours)
      assert.same(pack(7, nil, nil), pack(copas.send(ours, "answer\n")))
      body()
    end)
  end

  it("are held back while the socket has received more", function()
    after_an_answer(function() assert.equal("", arrived()) end)
    assert.equal("answer\n", arrived())
  end)

  it("leave with the one that finds no more input", function()
    after_an_answer(function()
      copas.receive(ours)
      copas.send(ours, "another\n")
      assert.equal("answer\nanother\n", arrived())
    end)
  end)

  it("are those of wrapped sockets, too", function()
    peer:send("one\ntwo\n")
    loop.run(copas, function()
      local wrapped = copas.wrap(ours)
      wrapped:receive()
      wrapped:send("answer\n")
      assert.equal("", arrived())
      wrapped:flush()
      assert.equal("answer\n", arrived())
    end)
  end)

  it("count as sent", function()
    after_an_answer(function()
      local _, sent = ours:getstats()
      assert.equal(7, sent)
    end)
  end)

  local other

  for what, act in pairs {
    ["the thread pauses"] = function() copas.pause(0) end,
    ["copas.flush is called"] = function() copas.flush(ours) end,
    ["the thread sends by another socket"] = function() copas.send(other, "x") end,
    ["the thread sends by another library's socket"] = function()
      local foreign, its_peer = sockets.pair(require("socket"))
      foreign:settimeout(0)
      copas.send(foreign, "x")
      foreign:close()
      its_peer:close()
    end,
    ["somebody asks for the descriptor"] = function() ours:getfd() end,
    ["an option is set"] = function() ours:setoption("keepalive", true) end,
    ["a blocking method is called"] = function() ours:receive() end,
    ["the process waits in select"] = function() socket.select({ other }, nil, 0) end,
    ["the process sleeps"] = function() socket.sleep(0) end,
    ["gathering is turned off"] = function() ours:setoption("gather-output", false) end,
  } do
    it("leave when " .. what, function()
      local far
      other, far = sockets.pair(socket)
      other:settimeout(0)
      after_an_answer(function()
        act()
        assert.equal("answer\n", arrived())
      end)
      other:close()
      far:close()
    end)
  end

  it("leave when the thread receives from another socket, also what that had read before", function()
    local far
    other, far = sockets.pair(socket)
    far:send("one\ntwo\n")
    peer:send("one\ntwo\n")
    loop.run(copas, function()
      copas.receive(other)
      copas.receive(ours)
      copas.send(ours, "answer\n")
      copas.receive(other)
      assert.equal("answer\n", arrived())
    end)
    other:close()
    far:close()
  end)

  for what, act in pairs {
    ["the socket is closed"] = function() copas.close(ours) end,
    ["this side of the conversation ends"] = function() ours:shutdown("send") end,
    ["the descriptor is given away"] = function()
      local fd = ours:getfd()
      ours:setfd(-1)
      local heir = socket.tcp4()
      heir:setfd(fd)
      heir:close()
    end,
    ["the thread fails"] = function()
      copas.seterrorhandler(function() end)
      error("a failure")
    end,
    ["the thread is removed"] = function()
      copas.removethread(coroutine.running())
      copas.pause()
    end,
  } do
    it("leave before " .. what, function()
      peer:settimeout(5)
      after_an_answer(act)
      assert.equal("answer", (peer:receive()))
    end)
  end

  it("leave in the order of the calls, blocking ones included", function()
    after_an_answer(function()
      ours:send("blocking\n")
      copas.send(ours, "again\n")
      copas.send(ours, "and again\n")
    end)
    assert.equal("answer\nblocking\nagain\nand again\n", arrived())
  end)

  it("leave in the order of the calls of several threads", function()
    peer:send("1\n2\n3\n4\n")
    local function answer(name)
      return function()
        for _ = 1, 2 do
          copas.send(ours, name .. copas.receive(ours) .. "\n")
          copas.pause(0)
        end
      end
    end
    loop.run(copas, answer("a"), answer("b"))
    assert.equal("a1\nb2\na3\nb4\n", arrived())
  end)

  it("tell the next call if they fail", function()
    after_an_answer(function()
      peer:setoption("linger", { on = true, timeout = 0 })
      peer:close() -- which resets the connection
      assert.same(pack(5, nil, nil), pack(copas.send(ours, "lost\n")))
      copas.pause(0)
      assert.same(pack(nil, "closed", 0), pack(copas.send(ours, "more")))
    end)
  end)

  it("are refused at once when this side has ended", function()
    after_an_answer(function()
      ours:shutdown("send")
      assert.same(pack(nil, "closed", 0), pack(copas.send(ours, "more")))
    end)
  end)

  it("leave at once if the option says so", function()
    assert.is_true(ours:getoption("gather-output"))
    assert.equal(1, ours:setoption("gather-output", false))
    assert.is_false(ours:getoption("gather-output"))
    after_an_answer(function() assert.equal("answer\n", arrived()) end)
  end)

  it("are no matter of sockets for datagrams", function()
    local udp = socket.udp()
    check.error("unsupported option", function() udp:setoption("gather-output", true) end)
    udp:close()
  end)

  it("have the option of the server that accepted them", function()
    local server, port = sockets.listen(socket)
    server:setoption("gather-output", false)
    local seen
    copas.addserver(server, function(skt)
      seen = skt:getoption("gather-output")
      copas.removeserver(server)
    end)
    loop.run(copas, function() copas.close((assert(socket.connect("127.0.0.1", port)))) end)
    assert.is_false(seen)
  end)

  it("reach a peer that reads late though the socket was closed", function()
    sockets.narrow(ours, peer)
    peer:send("one\ntwo\n")
    local received = {}
    loop.run(copas, function()
      copas.receive(ours)
      while true do -- fill what the system takes
        local sent = ours:send(("f"):rep(65536))
        if not sent then break end
      end
      copas.send(ours, "answer\n")
      copas.close(ours)
    end, function()
      copas.pause(0)
      received[1] = copas.receive(peer, "*a")
    end)
    assert.equal("answer\n", received[1]:sub(-7))
  end)

  it("leave when the program ends", function()
    local server, port = sockets.listen(socket)
    local script = [[
      local copas, socket = require("copas"), require("copas.socket")
      local skt = assert(socket.connect("127.0.0.1", tonumber((...))))
      copas.addthread(function()
        copas.send(skt, copas.receive(skt) .. "\n") -- while a second line is there
        os.exit(0)
      end)
      copas.loop()
    ]]
    local running = io.popen(child.lua_command(script, port), "r")
    server:settimeout(10)
    local client = assert(server:accept())
    client:settimeout(10)
    client:send("one\ntwo\n")
    assert.equal("one", (client:receive()))
    running:close()
    client:close()
    server:close()
  end)
end)
