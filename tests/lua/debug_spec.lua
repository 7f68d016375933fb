local kinds = require("support.kinds")
local loop = require("support.loop")
local sockets = require("support.sockets")

-- Runs `body` with a global `print` that keeps what it is called with.
local function with_print(body)
  local original, lines = print, {}
  _G.print = function(...) lines[#lines + 1] = { n = select("#", ...), ... } end
  local ok, err = pcall(body)
  _G.print = original
  if not ok then error(err, 0) end
  return lines
end

describe("copas.debug.start", function()
  local copas, lines

  local function log(line) lines[#lines + 1] = line end

  before_each(function()
    copas = loop.fresh()
    lines = {}
  end)

  it("logs each resume, wait and end of a thread", function()
    copas.addnamedthread("me", function()
      copas.pause(0.001)
      copas.pause()
    end)
    copas.debug.start(log)

    copas.loop()

    assert.equal(6, #lines)
    assert.equal("resuming 'me'", lines[1])
    assert.matches("^yielding 'me' to SLEEP for [%d.e-]+ seconds$", lines[2])
    assert.equal("resuming 'me'", lines[3])
    assert.matches("^yielding 'me' to SLEEP ", lines[4])
    assert.equal("resuming 'me'", lines[5])
    assert.equal("exiting 'me'", lines[6])
  end)

  it("names the socket that a thread waits for", function()
    local left, right = sockets.pair((require("copas.socket")))
    copas.setsocketname("left", left)
    copas.debug.start(log)
    copas.addnamedthread("reader", function() copas.receive(left) end)
    copas.addnamedthread("sender", function() right:send("line\n") end)

    copas.loop()

    assert.same({
      "resuming 'reader'", "yielding 'reader' to READ on 'left'", "resuming 'sender'", "exiting 'sender'",
      "resuming 'reader' for socket 'left'", "exiting 'reader'",
    }, lines)
  end)

  it("leaves the threads of timeouts out, unless they are asked for", function()
    local function run(core)
      lines = {}
      copas.debug.start(log, core)
      copas.addnamedthread("me", function()
        copas.timeout(0.001, function() end)
        copas.pause(0.02)
      end)
      copas.loop()
      return #lines
    end

    assert.equal(4, run(false))
    assert.equal(6, run(true))
  end)

  it("prints if it has no logger", function()
    local printed = with_print(function()
      copas.debug.start()
      copas.addnamedthread("me", function() end)
      copas.loop()
    end)

    assert.same({ { n = 1, "resuming 'me'" }, { n = 1, "exiting 'me'" } }, printed)
  end)

  it("goes on when the logger fails", function()
    copas.debug.start(function() error("mine") end)
    local ended = false
    copas.addthread(function() ended = true end)

    copas.loop()

    assert.is_true(ended)
  end)

  it("refuses a logger that is no function", function()
    local ok, err = pcall(copas.debug.start, 1)

    assert.is_false(ok)
    assert.matches("expected logger (1st argument) to be a function", err, 1, true)
  end)

  it("ends with stop", function()
    copas.debug.start(log)
    copas.debug.stop()
    copas.addthread(function() end)

    copas.loop()

    assert.same({}, lines)
  end)
end)

for name, socket in pairs(kinds.modules) do
  describe("copas.debug.socket, for " .. name, function()
    local copas, left, right

    before_each(function()
      copas = loop.fresh()
      left, right = sockets.pair(socket)
    end)
    after_each(function() sockets.close(left, right) end)

    it("is a proxy with the same text", function()
      local proxy = copas.debug.socket(left)

      assert.equal("table", type(proxy))
      assert.equal(left, proxy.__original_socket)
      assert.equal(tostring(left), tostring(proxy))
    end)

    it("prints each call and its results, strings shortened, in one string each", function()
      local proxy = copas.debug.socket(right)

      local printed = with_print(function() proxy:send(("x"):rep(40)) end)

      assert.equal(2, #printed)
      assert.equal(1, printed[1].n)
      assert.matches("^%d+%-calling 'send' with; \n", printed[1][1])
      assert.matches(("x"):rep(30), printed[1][1], 1, true)
      assert.not_matches(("x"):rep(31), printed[1][1], 1, true)
      assert.matches("^%d+%-results 'send' returned; \n.*40", printed[2][1])
    end)

    it("replaces the socket of a wrapper, which is returned, and works", function()
      local wrapper = copas.wrap(left)
      local got
      with_print(function()
        assert.equal(wrapper, copas.debug.socket(wrapper))
        right:send("line\n")
        loop.run(copas, function() got = wrapper:receive() end)
      end)

      assert.equal(left, wrapper.socket.__original_socket)
      assert.equal("line", got)
    end)

    it("can be wrapped, selected and given to the functions of the module", function()
      local got, readable
      with_print(function()
        local proxy = copas.debug.socket(left)
        proxy:settimeout(0)
        loop.run(copas, function()
          copas.addthread(function()
            copas.pause(0.001)
            right:send("one\ntwo\n")
          end)
          got = { copas.receive(proxy), (copas.wrap(proxy):receive()) }
        end)
        right:send("more")
        readable = socket.select({ proxy }, nil, 10)
        assert.equal(proxy, readable[1])
      end)

      assert.same({ "one", "two" }, { got[1], got[#got] })
    end)
  end)
end
