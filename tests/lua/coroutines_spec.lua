local child = require("support.child")
local loop = require("support.loop")
local sockets = require("support.sockets")

local plain_51 = _VERSION == "Lua 5.1" and not jit

describe("a coroutine of the user's", function()
  local copas

  before_each(function() copas = loop.fresh() end)
  after_each(child.cleanup)

  local function counter()
    for index = 1, 3 do
      copas.pause(0.001)
      coroutine.yield(index)
    end
  end

  it("may wait, made by wrap", function()
    local got, others = {}, 0
    loop.run(copas, function()
      local nextone = coroutine.wrap(counter)
      for index = 1, 3 do got[index] = nextone() end
    end, function()
      for _ = 1, 5 do
        copas.pause()
        others = others + 1
      end
    end)

    assert.same({ 1, 2, 3 }, got)
    assert.equal(5, others)
  end)

  it("may wait, made by create", function()
    local got = {}
    loop.run(copas, function()
      local co = coroutine.create(counter)
      repeat
        local ok, value = coroutine.resume(co)
        assert.is_true(ok)
        got[#got + 1] = value
      until coroutine.status(co) == "dead"
    end)

    assert.same({ 1, 2, 3 }, got)
  end)

  it("may wait inside of another", function()
    local got = {}
    loop.run(copas, function()
      local outer = coroutine.wrap(function()
        local inner = coroutine.wrap(counter)
        for _ = 1, 3 do
          copas.pause(0.001)
          coroutine.yield(inner() * 10)
        end
      end)
      for index = 1, 3 do got[index] = outer() end
    end)

    assert.same({ 10, 20, 30 }, got)
  end)

  it("passes values both ways, nils too", function()
    loop.run(copas, function()
      local co = coroutine.create(function(...)
        copas.pause()
        local function count(...) return select("#", ...) end
        local first = count(...)
        local second = count(coroutine.yield(nil, first, nil))
        copas.pause()
        return second, nil
      end)
      local function values(...) return { n = select("#", ...), ... } end
      assert.same({ n = 4, true, nil, 3, nil }, values(coroutine.resume(co, nil, 1, nil)))
      assert.same({ n = 3, true, 2, nil }, values(coroutine.resume(co, nil, nil)))
    end)
  end)

  it("gives no value where there is none", function()
    local function count(...) return select("#", ...) end
    local function body(wait)
      wait()
      coroutine.yield()
      wait()
    end
    local function check_counts(wait)
      local co, nextone = coroutine.create(body), coroutine.wrap(body)
      for _ = 1, 2 do
        assert.equal(1, count(coroutine.resume(co, wait)))
        assert.equal(0, count(nextone(wait)))
      end
      assert.equal("dead", coroutine.status(co))
    end

    check_counts(function() end)
    loop.run(copas, function() check_counts(copas.pause) end)
  end)

  it("may wait for sockets", function()
    local server, client = sockets.pair((require("copas.socket")))
    local got = {}
    loop.run(copas, function()
      local lines = coroutine.wrap(function()
        while true do coroutine.yield((copas.receive(server))) end
      end)
      got[1] = lines()
      got[2] = lines()
      got[3] = lines() or "end"
    end, function()
      copas.pause()
      copas.send(client, "one\n")
      copas.pause()
      copas.send(client, "two\n")
      copas.close(client)
    end)

    assert.same({ "one", "two", "end" }, got)
  end)

  it("is resumed as ever outside of threads", function()
    local generate = coroutine.wrap(function() coroutine.yield(1) return 2 end)
    assert.equal(1, generate())
    assert.equal(2, generate())
    assert.has_error(generate, "cannot resume dead coroutine")
  end)

  it("keeps the text and the position of its errors, as with Lua's own wrap", function()
    -- both texts, each made by the same lines in a child of its own
    local script = [[
      if arg[1] == "with" then require("copas") end
      local function try(body) print(pcall(function() local f = coroutine.wrap(body) f() f() end)) end
      try(function() error("plain", 0) end)
      try(function() error("here") end)
    ]]
    local with, without = child.lua(script, "with"), child.lua(script, "without")
    local function anonymous(text) return (text:gsub("[%w_/.-]*lua_[%w]+", "script")) end

    assert.equal(anonymous(without.out), anonymous(with.out))
  end)

  it("is refused with the position of whoever gave wrong arguments", function()
    for name, call in pairs {
      wrap = function() coroutine.wrap(nil) end,
      resume = function() coroutine.resume("none") end,
      close = coroutine.close and function() coroutine.close {} end,
    } do
      local ok, err = pcall(call)
      assert.is_false(ok)
      assert.is_truthy(err:find("^[%w_/.]*coroutines_spec%.lua:%d+: bad argument #1 to '" .. name .. "' %("), err)
    end
    if not coroutine.close then return end
    local _, err = coroutine.resume(coroutine.create(function() coroutine.close((coroutine.running())) end))
    assert.is_truthy(err:find("coroutines_spec%.lua:%d+: cannot close a running coroutine$"), err)
  end)

  it("has the position of whoever resumed it in its errors, also after it has waited", function()
    local texts = {}
    loop.run(copas, function()
      for waits = 0, 3 do
        local nextone = coroutine.wrap(function()
          for _ = 1, waits do copas.pause() end
          error("mine", 0)
        end)
        local co = coroutine.create(function()
          local value = nextone()
          return value
        end)
        texts[#texts + 1] = select(2, coroutine.resume(co))
      end
    end)

    assert.matches("coroutines_spec.lua:%d+: mine$", texts[1])
    for index = 2, 4 do assert.equal(texts[1], texts[index]) end
  end)

  it("passes errors on that are no strings", function()
    local thrown = {}
    loop.run(copas, function()
      local co = coroutine.create(function()
        copas.pause()
        error(thrown)
      end)
      local ok, err = coroutine.resume(co)
      assert.is_false(ok)
      assert.equal(thrown, err)
    end)
  end)

  -- A coroutine that waits is left by a function that knows nothing of waits, and its thread acts.
  local function check_lost_wait(act)
    local result = child.lua([[
      local resume = coroutine.resume
      local copas = require("copas")
      local left, right = require("support.sockets").pair((require("copas.socket")))
      right:send("one\ntwo\n")
      copas.seterrorhandler(function(err) print("error", err) end, true)
      copas.addthread(function()
        copas.receive(left)
        resume(coroutine.create(function() copas.pause(0.001) end))
        ]] .. act .. [[

        print("not reached")
      end)
      copas.addthread(function()
        copas.pause(0.01)
        print("other")
      end)
      copas.loop()
      print("end")
    ]])

    assert.equal("", result.err)
    assert.matches("^error\t.*a wait inside a coroutine did not reach the scheduler.*\nother\nend\n$", result.out)
  end

  it("gives an error when it was resumed by a function from before copas, and the loop goes on",
    function() check_lost_wait("copas.pause()") end)

  it("gives that error, too, to a thread that sends what need not wait",
    function() check_lost_wait([[copas.send(left, "line")]]) end)

  it("gives that error, too, to a thread that receives what it had read before",
    function() check_lost_wait("copas.receive(left)") end)

  it("loses no socket by that error", function()
    local result = child.lua [[
      local resume = coroutine.resume
      local copas, socket = require("copas"), require("copas.socket")
      copas.seterrorhandler(function() end, true)
      local listener = socket.bind("127.0.0.1", 0)
      local client = socket.tcp()
      client:connect(listener:getsockname())
      local served = listener:accept()
      copas.addthread(function()
        resume(coroutine.create(function() copas.pause(0.001) end))
        copas.receive(client)
      end)
      copas.loop()
      client = nil
      for _ = 1, 3 do collectgarbage() end
      served:settimeout(1)
      print(served:receive())
    ]]

    assert.same({ out = "nil\tclosed\t\n", err = "", code = 0 }, result)
  end)

  it("may not yield to the scheduler", function()
    local text, thread, status
    copas.seterrorhandler(function(err, co)
      text, thread, status = err, co, coroutine.status(co)
    end, true)
    local resumed = false
    local yielder = copas.addthread(function()
      coroutine.yield("mine")
      resumed = true
    end)
    local others = false
    copas.addthread(function()
      copas.pause(0.01)
      others = true
    end)
    copas.loop()

    assert.equal("coroutine.yield was called without a resume first, user-code cannot yield to Copas", text)
    assert.equal(yielder, thread)
    assert.equal("suspended", status)
    assert.is_false(resumed)
    assert.is_true(others)
  end)

  it("does no harm when it resumes a thread that is parked", function()
    local others = 0
    copas.seterrorhandler(function() end, true)
    local parked = copas.addthread(function()
      copas.pause(0.01)
      copas.pause(0.01)
    end)
    copas.addthread(function()
      copas.pause()
      coroutine.resume(parked)
      for _ = 1, 5 do
        copas.pause(0.005)
        others = others + 1
      end
    end)
    copas.loop()

    assert.equal(5, others)
  end)
end)

describe("a wait", function()
  local copas

  before_each(function() copas = loop.fresh() end)

  it("is an error in the main chunk", function()
    for _, name in ipairs { "pause", "pauseforever" } do
      local ok, err = pcall(copas[name], 0.001)
      assert.is_false(ok)
      assert.matches("attempt to yield from outside a coroutine", err)
    end
  end)

  it("across a function in C is an error, and the next one works", function()
    local errors, rest = {}, nil
    loop.run(copas, function()
      local function attempt(body)
        local co = coroutine.create(body)
        local ok, err = coroutine.resume(co)
        errors[#errors + 1] = not ok and tostring(err) or nil
      end
      attempt(function() table.sort({ 3, 1, 2 }, function(a, b) copas.pause(0.001) return a < b end) end)
      attempt(function() string.gsub("abc", "%w", function() copas.pause(0.001) end) end)
      rest = copas.pause(0.002)
    end)

    assert.equal(2, #errors)
    for _, err in ipairs(errors) do assert.matches("attempt to yield across", err) end
    if _VERSION ~= "Lua 5.2" and not plain_51 then -- these do not tell before
      assert.matches(": table.sort is in the way$", errors[1])
      assert.matches(": string.gsub is in the way$", errors[2])
    end
    assert.is_true(rest >= 0.002)
  end)

  it("across a function in C ends a thread that does not catch it, and no other", function()
    local failure, others
    copas.seterrorhandler(function(err) failure = err end, true)
    copas.addthread(function() table.sort({ 2, 1 }, function(a, b) copas.pause(0.001) return a < b end) end)
    copas.addthread(function()
      copas.pause(0.005)
      others = true
    end)
    copas.loop()

    assert.matches("^attempt to yield across.*C%-call boundary: table.sort is in the way$", failure)
    assert.is_true(others)
  end)

  if plain_51 then
    local found, coxpcall = pcall(require, "coxpcall")
    if found then
      it("is possible inside coxpcall's pcall", function()
        local got, failed
        loop.run(copas, function()
          got = { coxpcall.pcall(function(...)
            copas.pause(0.001)
            return ...
          end, 1, nil, 3) }
          failed = { coxpcall.pcall(function()
            copas.pause()
            error("mine", 0)
          end) }
        end)

        assert.same({ true, 1, nil, 3 }, got)
        assert.is_false(failed[1])
        assert.matches("^mine", failed[2]) -- versions of coxpcall differ in whether they add a traceback
      end)

      it("is made by the same thread inside coxpcall's pcall", function()
        local name
        loop.run(copas, function()
          copas.setthreadname("mine")
          coxpcall.pcall(function()
            copas.pause()
            name = copas.getthreadname()
          end)
        end)

        assert.equal("mine", name)
      end)
    end
  else
    it("is possible inside pcall and xpcall", function()
      loop.run(copas, function()
        assert.same({ true, 1 }, { pcall(function() copas.pause(0.001) return 1 end) })
        assert.same({ false, "mine" }, { pcall(function() copas.pause() error("mine", 0) end) })
        assert.same({ false, "mine!" }, { xpcall(function()
          copas.pause()
          error("mine", 0)
        end, function(err) return err .. "!" end) })
      end)
    end)

    it("is possible inside metamethods and iterators", function()
      loop.run(copas, function()
        local slow = setmetatable({}, {
          __index = function(_, key) copas.pause(0.001) return key end,
          __add = function() copas.pause() return 5 end,
          __eq = function() copas.pause() return true end,
          __call = function(_, x) copas.pause() return x end,
        })
        assert.equal("key", slow.key)
        assert.equal(5, slow + 1)
        assert.is_true(slow == setmetatable({}, getmetatable(slow)))
        assert.equal(7, slow(7))
        local sum = 0
        for index in function(_, last) copas.pause() last = last + 1 return last <= 3 and last or nil end, nil, 0 do
          sum = sum + index
        end
        assert.equal(6, sum)
      end)
    end)
  end

  if coroutine.close then
    it("ends with its thread when that is closed, and the loop too", function()
      local server = sockets.pair((require("copas.socket")))
      local closed = {}
      local function park(wait)
        local co = copas.addthread(wait)
        copas.step(0)
        closed[#closed + 1] = coroutine.close(co)
      end
      park(function() copas.pause(600) end)
      park(function() copas.receive(server) end)
      park(function() copas.pauseforever() end)
      copas.loop()

      assert.same({ true, true, true }, closed)
    end)

    local closing = loadstring or load
    closing = closing [[
      local copas, note, wait = ...
      local guard <close> = setmetatable({}, { __close = function(_, err) note(err) end })
      wait()
    ]]

    it("runs to-be-closed variables of a thread that is removed", function()
      local closes, failures = 0, 0
      copas.seterrorhandler(function() failures = failures + 1 end, true)
      local thread = copas.addthread(closing, copas, function() closes = closes + 1 end, function() copas.pause(600) end)
      copas.step(0)
      copas.removethread(thread)
      copas.loop()

      assert.equal(1, closes)
      assert.equal(0, failures)
      assert.equal("dead", coroutine.status(thread))
    end)

    it("runs to-be-closed variables of a thread that fails", function()
      local closed, failure
      copas.seterrorhandler(function(err) failure = err end, true)
      copas.addthread(closing, copas, function(err) closed = err end, function()
        copas.pause(0.001)
        error("mine", 0)
      end)
      copas.loop()

      assert.equal("mine", closed)
      assert.equal("mine", failure)
    end)
  end
end)
