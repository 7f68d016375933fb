local kinds = require("support.kinds")
local loop = require("support.loop")
local sockets = require("support.sockets")

describe("copas.timeout", function()
  local copas, calls

  local function note(what) calls[#calls + 1] = what end

  before_each(function()
    copas = loop.fresh()
    calls = {}
  end)

  it("returns true, and calls back once with the coroutine that set it", function()
    local co, returned
    co = copas.addthread(function()
      returned = { copas.timeout(0.01, note) }
      copas.pause(0.05)
    end)

    copas.loop()

    assert.same({ true }, returned)
    assert.same({ co }, calls)
  end)

  it("is never early", function()
    local start, stop
    copas.addthread(function()
      start = copas.gettime()
      copas.timeout(0.02, function() stop = copas.gettime() end)
      copas.pause(0.1)
    end)

    copas.loop()

    assert.is_true(stop - start > 0.02)
  end)

  it("replaces the one that was set before", function()
    copas.addthread(function()
      copas.timeout(0.01, function() note("first") end)
      copas.timeout(0.02, function() note("second") end)
      copas.pause(0.05)
    end)

    copas.loop()

    assert.same({ "second" }, calls)
  end)

  for name, delay in pairs { ["0"] = 0, ["infinity"] = math.huge } do
    it("of " .. name .. " cancels only", function()
      local returned
      copas.addthread(function()
        copas.timeout(0.01, note)
        returned = { copas.timeout(delay), copas.gettimeouts() }
        copas.pause(0.03)
      end)

      copas.loop()

      assert.same({ true, 0 }, returned)
      assert.same({}, calls)
    end)
  end

  it("goes on during pauses, and when the thread is woken", function()
    local co = copas.addthread(function()
      copas.timeout(0.02, function() note("called back") end)
      copas.pauseforever()
      copas.pause(0.001)
      copas.pause(0.05)
    end)
    copas.addthread(function() copas.wakeup(co) end)

    copas.loop()

    assert.same({ "called back" }, calls)
  end)

  -- Sets one in a thread that acts on a socket to which lines have come, and notes how many are left.
  local function set_before(act, socket, prepare)
    local left, right = sockets.pair(socket or (require("copas.socket")))
    right:send("one\ntwo\n")
    loop.run(copas, function()
      if prepare then prepare(left) end
      copas.timeout(0.01, note)
      act(left)
      note(copas.gettimeouts())
      copas.pause(0.03)
    end)
    sockets.close(left, right)
  end

  local function receive(skt) assert(copas.receive(skt)) end
  local function send(skt) assert(copas.send(skt, "line\n")) end

  it("is cancelled by a receive, even one that need not wait", function()
    set_before(receive)
    assert.same({ 0 }, calls)
  end)

  it("is cancelled by a receive of what was read before", function()
    set_before(receive, nil, receive)
    assert.same({ 0 }, calls)
  end)

  it("is cancelled by a send, even one that need not wait", function()
    set_before(send)
    assert.same({ 0 }, calls)
  end)

  it("is cancelled by an operation on a socket of another library, too", function()
    set_before(receive, (require("socket")))
    assert.same({ 0 }, calls)
  end)

  it("may wake its thread", function()
    local passed, waited
    copas.addthread(function()
      local start = copas.gettime()
      copas.timeout(0.01, copas.wakeup)
      waited = copas.pauseforever()
      passed = copas.gettime() - start
    end)

    copas.loop()

    assert.is_true(passed > 0.01)
    assert.is_true(waited > 0 and waited <= passed)
  end)

  it("belongs to one coroutine: others have their own", function()
    for id = 1, 3 do
      copas.addthread(function()
        copas.timeout(0.01 * id, function() note(id) end)
        copas.pause(0.1)
      end)
    end

    copas.loop()

    assert.same({ 1, 2, 3 }, calls)
  end)

  it("calls back with a coroutine that is dead if its thread has ended", function()
    copas.addthread(function()
      copas.timeout(0.01, function(co) note(coroutine.status(co)) end)
    end)
    copas.addthread(function() copas.pause(0.05) end)

    copas.loop()

    assert.same({ "dead" }, calls)
  end)

  it("may be set outside of threads", function()
    copas.timeout(0.001, function(co) note(type(co)) end)
    copas.addthread(function() copas.pause(0.02) end)

    copas.loop()

    assert.same({ "thread" }, calls)
  end)

  it("calls back in a thread of its own, with a name, that may wait", function()
    copas.addthread(function()
      copas.timeout(0.001, function()
        note(copas.getthreadname())
        copas.pause(0.01)
        note("waited")
      end)
      copas.pause(0.05)
    end)

    copas.loop()

    assert.same({ "copas_core_timer", "waited" }, calls)
  end)

  it("gives errors of the callback to the default handler, with a traceback of where they were raised", function()
    local text
    copas.seterrorhandler(function(...) text = copas.gettraceback(...) end, true)
    copas.addthread(function()
      copas.seterrorhandler(function() note("the thread's handler") end)
      copas.timeout(0.001, function() error("mine") end)
      copas.pause(0.02)
    end)

    copas.loop()

    assert.same({}, calls)
    assert.matches("timeouts_spec.lua:%d+: mine %(coroutine: copas_core_timer, socket: nil%)\nstack traceback:", text)
    assert.matches("\n\t[^\n]*timeouts_spec.lua:%d+: in ", text)
  end)

  it("does not keep the loop running by itself", function()
    copas.addthread(function() copas.timeout(60, note) end)

    copas.loop()

    assert.is_true(copas.finished())
    assert.equal(1, copas.gettimeouts())
  end)

  it("keeps the loop running while a thread sleeps for ever", function()
    local co = copas.addthread(function() copas.pauseforever() end)
    copas.addthread(function() copas.timeout(0.01, function() note("called back") end) end)

    copas.loop()

    assert.same({ "called back" }, calls)
    assert.equal("suspended", coroutine.status(co))
  end)

  it("refuses what is no time, and a callback that is missing", function()
    local function check(message, ...)
      local ok, err = pcall(copas.timeout, ...)
      assert.is_false(ok)
      assert.matches(message, err, 1, true)
    end

    check("timout value must be greater than or equal to 0, got: -1", -1, note)
    check("timout value must be greater than or equal to 0, got: text", "text", note)
    check("timout value must be greater than or equal to 0, got: nil", nil, note)
    check("the callback parameter is required", 1)
    assert.equal(0, copas.gettimeouts())
  end)

  it("leaves the one that was set if it refuses another", function()
    loop.run(copas, function()
      copas.timeout(0.001, note)
      pcall(copas.timeout, -1)
      pcall(copas.timeout, 1)
      copas.pause(0.02)
    end)

    assert.equal(1, #calls)
  end)
end)

describe("copas.gettimeouts", function()
  it("counts timeouts and operations with a limit, but not sleepers", function()
    local copas = loop.fresh()
    local left = sockets.pair((require("copas.socket")))
    local counted = {}
    local reader
    loop.run(copas, function()
      copas.timeout(0.01, function() end)
      copas.pause(0.05)
    end, function()
      copas.settimeout(left, 60)
      reader = copas.addthread(function() copas.receive(left) end)
      copas.pause()
      counted[1] = copas.gettimeouts()
      copas.pause(0.03)
      counted[2] = copas.gettimeouts()
      copas.removethread(reader)
      counted[3] = copas.gettimeouts()
    end)

    assert.same({ 2, 1, 0 }, counted)
  end)
end)

for name, socket in pairs(kinds.modules) do
  describe("useSocketTimeoutErrors, for " .. name, function()
    it("has two spellings, and is the thread's own", function()
      local copas = loop.fresh()
      local left = sockets.pair(socket)
      left:settimeout(0)
      copas.settimeout(left, 0.001)
      local errors = {}

      assert.equal(copas.useSocketTimeoutErrors, copas.usesockettimeouterrors)
      loop.run(copas, function()
        assert.equal(0, select("#", copas.useSocketTimeoutErrors(true)))
        errors[1] = select(2, copas.receive(left))
        copas.useSocketTimeoutErrors(false)
        errors[2] = select(2, copas.receive(left))
      end)

      assert.same({ "timeout", "timeout" }, errors)
    end)

    it("gives the system's words when connecting takes too long", function()
      local copas = loop.fresh()
      local server = assert(socket.bind("127.0.0.1", 0, 0))
      local address, port = server:getsockname()
      local queued = {}
      local errors = {}
      loop.run(copas, function()
        -- A queue that is full leaves those who come later waiting.
        repeat
          local skt = socket.tcp()
          copas.settimeout(skt, 0.05)
          queued[#queued + 1] = skt
        until not copas.connect(skt, address, port)
        for _, wanted in ipairs { false, true } do
          copas.useSocketTimeoutErrors(wanted)
          local skt = socket.tcp()
          copas.settimeout(skt, 0.05)
          errors[#errors + 1] = select(2, copas.connect(skt, address, port))
          skt:close()
        end
      end)
      for _, skt in ipairs(queued) do skt:close() end
      server:close()

      assert.same({ "timeout", "Operation already in progress" }, errors)
    end)
  end)
end
