-- What tends to break event loops in Lua: collection at bad times, exits at bad times, peers that misbehave.
local child = require("support.child")
local loop = require("support.loop")
local script = require("support.script")
local sockets = require("support.sockets")

local expect = script.expect


describe("collection", function()
  after_each(child.cleanup)

  it("leaves a string alone that is being sent", function()
    expect("true\ttrue\n", [[
      local sender, receiver = pair()
      local over, sent, got = false, nil, nil
      copas.addthread(function()
        sent = copas.send(sender, ("0123456789"):rep(1000000))
        copas.close(sender)
      end)
      copas.addthread(function()
        while not over do
          collectgarbage()
          local _ = ("x"):rep(100000) -- what was freed is used again
          copas.pause()
        end
      end)
      copas.addthread(function()
        got = copas.receive(receiver, "*a")
        over = true
      end)
      copas.loop()
      print(sent == 10000000, got == ("0123456789"):rep(1000000))
    ]])
  end)

  it("may run finalisers during receives that close and read sockets", function()
    expect("2000\ttrue\n", [[
      local sender, receiver = pair()
      local finalised, received = 0, 0
      copas.addthread(function()
        for index = 1, 2000 do copas.send(sender, ("x"):rep(index % 500) .. index .. "\n") end
      end)
      copas.addthread(function()
        for index = 1, 2000 do
          if index % 10 == 0 then
            local one, other = pair()
            other:send("from the finaliser\n")
            on_collection(function()
              finalised = finalised + 1
              assert(one:receive() == "from the finaliser")
              one:close()
              other:close()
            end)
          end
          if copas.receive(receiver) == ("x"):rep(index % 500) .. index then received = received + 1 end
        end
      end)
      copas.loop()
      collectgarbage()
      collectgarbage()
      print(received, finalised > 100)
    ]])
  end)

  it("may run a finaliser that closes the socket that is being waited for", function()
    expect("nil\tclosed\n", [[
      local _, receiver = pair()
      copas.addthread(function()
        local data, err = copas.receive(receiver)
        print(data, err)
      end)
      copas.addthread(function()
        on_collection(function() receiver:close() end)
        copas.pause()
        collectgarbage()
        collectgarbage()
      end)
      copas.loop()
    ]])
  end)

  it("may run a finaliser that fails", function()
    local result = child.lua(script.on_collection .. [[
      local copas = require("copas")
      copas.seterrorhandler(function() end, true)
      copas.addthread(function()
        for _ = 1, 20 do
          on_collection(function() error("mine") end)
          pcall(collectgarbage)
          copas.pause()
        end
        print("all")
      end)
      copas.loop()
    ]])

    assert.equal("all\n", result.out)
    assert.equal(0, result.code)
  end)

  it("may run finalisers that fail, one after the other, while it idles", function()
    expect("all\n", [[
      copas.seterrorhandler(function() end, true)
      local never_waited_for = socket.tcp()
      local failed, garbage = 0, {}
      collectgarbage()
      collectgarbage("setpause", 1000) -- so that no thread runs them
      for index = 1, 5 do
        garbage[index] = on_collection(function()
          failed = failed + 1
          error("mine")
        end)
      end
      garbage = nil
      copas.addthread(function()
        while failed < 5 do copas.pause(0.1) end
        print("all")
      end)
      copas.loop()
      never_waited_for:close()
    ]])
  end)
end)

describe("an exit", function()
  after_each(child.cleanup)

  local everything_parked = [[
    local server, port = listen()
    copas.addserver(server, function(client) copas.receive(client) end)
    local one, other = pair()
    copas.addthread(function() copas.receive(one) end)
    copas.addthread(function() copas.send(other, ("x"):rep(2e7)) end)
    copas.addthread(function() copas.pause(600) end)
    copas.addthread(function() copas.pauseforever() end)
    copas.addthread(function() copas.waitforexit() end)
    copas.addthread(function() coroutine.wrap(function() copas.pause(600) end)() end)
    local wrapped = copas.wrap(socket.tcp())
    copas.addthread(function()
      wrapped:connect("127.0.0.1", port)
      wrapped:receive()
    end)
    copas.timer.new { delay = 600, recurring = true, callback = function() end }
    for _ = 1, 5 do copas.step(0.01) end
    copas.addthread(function() error("never started") end)
    one, other = nil, nil
  ]]

  it("with everything parked succeeds", function()
    expect("end\n", everything_parked .. [[ print("end") ]])
  end)

  it("with everything parked succeeds from inside a thread", function()
    expect("end\n", everything_parked:gsub("copas.addthread%(function%(%) error.-\n", "\n") .. [[
      copas.addthread(function()
        print("end")
        os.exit(0, true)
      end)
      copas.step(0)
    ]])
  end)

  local memcheck = _VERSION == "Lua 5.4" and not child.is_sanitized() and child.has("valgrind")
  if memcheck then
    it("with everything parked touches no memory that is not its own", function()
      local log = child.file("")
      expect("end\n", everything_parked .. [[ print("end") ]], function(command)
        return ("valgrind -q --error-exitcode=9 --log-file=%s %s"):format(log, command)
      end)
    end)
  end
end)

describe("a system that refuses to wait at all", function()
  after_each(child.cleanup)

  it("ends the loop with its error", function()
    expect("reported\nfalse\n", [[
      local function descriptor_of_epoll()
        local list = io.popen("ls -l /proc/$PPID/fd 2>/dev/null") -- one may go meanwhile: popen's own
        for line in list:lines() do
          local number = line:match("(%d+) %-> anon_inode:%[eventpoll%]")
          if number then return tonumber(number) end
        end
      end
      local reported = false
      copas.seterrorhandler(function()
        if not reported then print("reported") end
        reported = true
      end, true)
      copas.addthread(function()
        copas.pause(0.01)
        local thief = socket.tcp()
        thief:setfd(descriptor_of_epoll())
        thief:close()
        copas.pause(0.01)
      end)
      print((pcall(copas.loop)))
    ]])
  end)
end)

describe("two schedulers in one state", function()
  it("both run", function()
    local first = loop.fresh()
    local second = loop.fresh()
    local native = require("copas.socket")
    assert.is_false(rawequal(first, second))
    local order = {}
    for index, copas in ipairs { first, second } do
      local server, client = sockets.pair(native)
      copas.addthread(function()
        local line = copas.receive(server)
        order[#order + 1] = index .. line
      end)
      copas.addthread(function()
        copas.pause(0.001)
        copas.send(client, "line\n")
      end)
    end
    while not (first.finished() and second.finished()) do
      first.step(0)
      second.step(0)
    end

    table.sort(order)
    assert.same({ "1line", "2line" }, order)
  end)
end)

describe("a peer", function()
  local copas, socket

  before_each(function()
    copas = loop.fresh()
    socket = require("copas.socket")
  end)

  it("may reset the connection", function()
    local server, client = sockets.pair(socket)
    local got, after
    loop.run(copas, function()
      got = { copas.receive(server) }
      after = { copas.send(server, "x") }
    end, function()
      copas.pause()
      client:setoption("linger", { on = true, timeout = 0 })
      client:close()
    end)

    assert.is_nil(got[1])
    assert.equal("string", type(got[2]))
    assert.equal("", got[3])
    assert.is_nil(after[1])
    assert.equal("string", type(after[2]))
  end)

  it("may send one byte at a time", function()
    local server, client = sockets.pair(socket)
    client:setoption("tcp-nodelay", true)
    local text = ("a line of text\n"):rep(20)
    local got = {}
    loop.run(copas, function()
      for index = 1, 20 do got[index] = copas.receive(server) end
    end, function()
      for index = 1, #text do
        copas.send(client, text:sub(index, index))
        copas.pause()
      end
    end)

    assert.equal(20, #got)
    for _, line in ipairs(got) do assert.equal("a line of text", line) end
  end)

  it("that never reads runs into the timeout of send, which tells how much was sent", function()
    local server, client = sockets.pair(socket)
    sockets.narrow(server, client)
    local result
    loop.run(copas, function()
      copas.settimeout(server, 0.05)
      result = { copas.send(server, ("x"):rep(2e7)) }
    end)

    assert.same({ nil, "timeout" }, { result[1], result[2] })
    assert.is_true(result[3] > 0 and result[3] < 2e7)

    client:settimeout(5)
    server:close()
    assert.equal(result[3], #assert(client:receive("*a")))
  end)
end)

describe("several readers of a socket", function()
  local copas, server, client

  before_each(function()
    copas = loop.fresh()
    server, client = sockets.pair((require("copas.socket")))
  end)

  it("are served in the order in which they came", function()
    local order = {}
    for index = 1, 5 do
      copas.addthread(function()
        local line = copas.receive(server)
        order[#order + 1] = index .. line
      end)
    end
    loop.run(copas, function()
      for _, text in ipairs { "a", "b", "c", "d", "e" } do
        copas.send(client, text .. "\n")
        copas.pause(0.001)
      end
    end)

    assert.same({ "1a", "2b", "3c", "4d", "5e" }, order)
  end)

  it("are all woken by a close", function()
    local results = {}
    for index = 1, 5 do
      copas.addthread(function() results[index] = { copas.receive(server) } end)
    end
    loop.run(copas, function()
      copas.pause()
      copas.close(server)
    end)

    assert.equal(5, #results)
    for _, result in ipairs(results) do assert.same({ nil, "closed", "" }, result) end
  end)
end)

describe("children of the program", function()
  it("work as ever in threads", function()
    local copas = loop.fresh()
    local server, client = sockets.pair((require("copas.socket")))
    local read, status, got
    loop.run(copas, function()
      got = copas.receive(server)
    end, function()
      local pipe = io.popen("echo text; echo more")
      copas.pause(0.001)
      read = pipe:read("*a")
      pipe:close()
      status = os.execute("exit 0")
      copas.send(client, "line\n")
    end)

    assert.equal("text\nmore\n", read)
    assert.is_true(status == true or status == 0)
    assert.equal("line", got)
  end)
end)
