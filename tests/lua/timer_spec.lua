local loop = require("support.loop")

local unpack = table.unpack or unpack

local pack = require("support.check").pack

describe("a timer", function()
  local copas, order

  local function note(what) order[#order + 1] = what end

  before_each(function()
    copas = loop.fresh()
    order = {}
  end)

  local function ignore() end

  it("calls back once, with itself and its parameters", function()
    local params, given = {}, nil
    local timer
    loop.run(copas, function()
      timer = copas.timer.new { delay = 0.01, params = params, callback = function(...) given = pack(...) end }
    end)

    assert.equal(2, given.n)
    assert.equal(timer, given[1])
    assert.equal(params, given[2])
  end)

  it("may be made outside of the loop", function()
    copas.timer.new { delay = 0, callback = function() note("called") end }
    assert.same({}, order)
    copas.loop()

    assert.same({ "called" }, order)
  end)

  it("calls back after its delay, not before", function()
    local begun, passed = copas.gettime(), nil
    copas.timer.new { delay = 0.05, callback = function() passed = copas.gettime() - begun end }
    copas.loop()

    assert.is_true(passed >= 0.049)
  end)

  it("has fields for what it was made of", function()
    local params, handler = {}, function() end
    local timer = copas.timer.new {
      name = "mine", delay = 3, recurring = 1, params = params, callback = ignore, errorhandler = handler,
    }

    assert.equal("mine", timer.name)
    assert.equal(3, timer.delay)
    assert.is_true(timer.recurring)
    assert.equal(params, timer.params)
    assert.equal(handler, timer.errorhandler)
    assert.is_false(timer.cancelled)
    timer:cancel()
    assert.is_true(timer.cancelled)
    timer:arm(0)
    assert.is_false(timer.cancelled)
  end)

  it("does not recur by default, and gets a name by a counter", function()
    local first = copas.timer.new { delay = 0, callback = ignore }
    local second = copas.timer.new { delay = 0, callback = ignore }

    assert.is_false(first.recurring)
    local number = tonumber(first.name:match("^copas_timer_(%d+)$"))
    assert.equal("copas_timer_" .. number + 1, second.name)
  end)

  it("names its thread", function()
    copas.timer.new { delay = 0, name = "mine", callback = function() note(copas.getthreadname()) end }
    copas.loop()

    assert.same({ "mine" }, order)
  end)

  it("runs in a thread of its own, which may wait", function()
    copas.timer.new { delay = 0, callback = function()
      note("a begins")
      copas.pause(0.01)
      note("a ends")
    end }
    copas.timer.new { delay = 0, callback = function() note("b") end }
    copas.loop()

    assert.same({ "a begins", "b", "a ends" }, order)
  end)

  it("is cancelled when it has expired, until it is armed again", function()
    local timer, inside
    timer = copas.timer.new { delay = 0, callback = function(self) inside = self.cancelled end }
    copas.loop()

    assert.is_true(inside)
    assert.is_true(timer.cancelled)
    timer:arm(0)
    assert.is_false(timer.cancelled)
  end)

  describe("is not made", function()
    local function rejects(message, opts)
      local ok, err = pcall(copas.timer.new, opts)
      assert.is_false(ok)
      assert.is_truthy(tostring(err):find(message, 1, true), err)
      assert.is_true(copas.finished())
    end

    it("without a delay that is not negative", function()
      for _, delay in ipairs { -1, -0.001, "soon", 0 / 0, false } do
        rejects("delay must be greater than or equal to 0", { delay = delay, callback = ignore })
      end
      rejects("delay must be greater than or equal to 0", { callback = ignore })
    end)

    it("with a negative initial delay", function()
      rejects("delay must be greater than or equal to 0", { delay = 1, initial_delay = -1, callback = ignore })
    end)

    it("without a function to call", function()
      rejects("expected callback to be a function", { delay = 1 })
      rejects("expected callback to be a function", { delay = 1, callback = "function" })
    end)
  end)

  describe("that recurs", function()
    it("calls back again and again, until it is cancelled", function()
      copas.timer.new { delay = 0.001, recurring = true, callback = function(self)
        note(#order + 1)
        if #order == 4 then self:cancel() end
      end }
      copas.loop()

      assert.same({ 1, 2, 3, 4 }, order)
    end)

    it("begins with the initial delay", function()
      local begun, first, second = copas.gettime(), nil, nil
      copas.timer.new { delay = 0.05, initial_delay = 0, recurring = true, callback = function(self)
        if first then
          second = copas.gettime()
          self:cancel()
        else
          first = copas.gettime()
        end
      end }
      copas.loop()

      assert.is_true(second - first >= 0.049)
      assert.is_true(first - begun < second - begun)
    end)

    it("waits its delay after the callback returned, and never overlaps", function()
      local returned, inside
      copas.timer.new { delay = 0.02, recurring = true, callback = function(self)
        assert(not inside)
        inside = true
        if returned then note(copas.gettime() - returned) end
        copas.pause(0.03)
        inside = false
        returned = copas.gettime()
        if #order == 2 then self:cancel() end
      end }
      copas.loop()

      assert.equal(2, #order)
      for _, passed in ipairs(order) do assert.is_true(passed >= 0.019) end
    end)

    it("is still armed in its callback", function()
      copas.timer.new { delay = 0, recurring = true, callback = function(self)
        note(pack(self:arm()))
        self:cancel()
      end }
      copas.loop()

      assert.same({ { n = 2, nil, "already armed" } }, order)
    end)

    it("can be cancelled once in its callback, and armed again then", function()
      copas.timer.new { delay = 0, recurring = true, callback = function(self)
        note(self:cancel() == self)
        if #order >= 3 then return end
        note(pack(self:cancel()))
        note(self:arm() == self)
      end }
      copas.loop()

      assert.same({ true, { n = 2, nil, "not armed" }, true, true }, order)
    end)

    it("goes on after an error of its callback", function()
      copas.timer.new {
        delay = 0, recurring = true,
        errorhandler = function(err) note(err) end,
        callback = function(self)
          if #order == 2 then return self:cancel() end
          error("broken", 0)
        end,
      }
      copas.loop()

      assert.same({ "broken", "broken" }, order)
    end)

    it("goes on with the name and the error handler that its callback had set before the error", function()
      copas.timer.new {
        delay = 0, recurring = true, name = "given",
        errorhandler = function() note("not that one") end,
        callback = function(self)
          note(copas.getthreadname())
          if #order == 5 then return self:cancel() end
          if #order == 1 then
            copas.setthreadname("set")
            copas.seterrorhandler(note)
          end
          error("broken", 0)
        end,
      }
      copas.loop()

      assert.same({ "given", "broken", "set", "broken", "set" }, order)
    end)

    it("does not go on after an error of its callback if that cancelled it", function()
      local timer = copas.timer.new {
        delay = 0, recurring = true,
        errorhandler = function(err) note(err) end,
        callback = function(self)
          self:cancel()
          error("broken", 0)
        end,
      }
      copas.loop()

      assert.same({ "broken" }, order)
      assert.same({ n = 2, nil, "not armed" }, pack(timer:cancel()))
    end)
  end)

  describe("can be armed", function()
    it("not while it is", function()
      local timer = copas.timer.new { delay = 0, callback = ignore }

      assert.same({ n = 2, nil, "already armed" }, pack(timer:arm()))
    end)

    it("after it expired", function()
      loop.run(copas, function()
        local timer = copas.timer.new { delay = 0.001, callback = function() note("called") end }
        copas.pause(0.05)
        note(timer:arm() == timer)
      end)

      assert.same({ "called", true, "called" }, order)
    end)

    it("after it was cancelled", function()
      local timer = copas.timer.new { delay = 1000, callback = function() note("called") end }
      timer:cancel()

      assert.equal(timer, timer:arm(0))
      copas.loop()
      assert.same({ "called" }, order)
    end)

    it("in its own callback", function()
      copas.timer.new { delay = 0, callback = function(self)
        note("called")
        if #order < 3 then assert(self:arm()) end
      end }
      copas.loop()

      assert.same({ "called", "called", "called" }, order)
    end)

    it("with a delay that is not negative", function()
      local timer = copas.timer.new { delay = 0, callback = ignore }
      timer:cancel()

      assert.has_error(function() timer:arm(-1) end)
      assert.same({ n = 2, nil, "not armed" }, pack(timer:cancel()))
    end)
  end)

  describe("can be cancelled", function()
    it("while it waits, which lets the loop end", function()
      local timer = copas.timer.new { delay = 1000, recurring = true, callback = function() note("called") end }
      copas.step(0)

      assert.equal(timer, timer:cancel())
      copas.loop()
      assert.same({}, order)
    end)

    it("by a thread of the loop", function()
      loop.run(copas, function()
        local timer = copas.timer.new { delay = 1000, callback = function() note("called") end }
        copas.pause()
        timer:cancel()
      end)

      assert.same({}, order)
    end)

    it("once", function()
      local timer = copas.timer.new { delay = 1000, callback = ignore }
      timer:cancel()

      assert.same({ n = 2, nil, "not armed" }, pack(timer:cancel()))
    end)

    it("not after it expired, which is before it calls back", function()
      local timer = copas.timer.new { delay = 0, callback = function(self) note(pack(self:cancel())) end }
      copas.loop()

      assert.same({ { n = 2, nil, "not armed" } }, order)
      assert.same({ n = 2, nil, "not armed" }, pack(timer:cancel()))
    end)

    it("while its callback waits, which still finishes", function()
      loop.run(copas, function()
        local timer = copas.timer.new { delay = 0, recurring = true, callback = function()
          note("begins")
          copas.pause(0.02)
          note("ends")
        end }
        repeat copas.pause() until #order == 1
        assert(timer:cancel())
        note("cancelled")
      end)

      assert.same({ "begins", "cancelled", "ends" }, order)
    end)

    it("by its callback, which may wait after that", function()
      copas.timer.new { delay = 0, recurring = true, callback = function(self)
        self:cancel()
        copas.pause(0.001)
        note("ends")
      end }
      copas.loop()

      assert.same({ "ends" }, order)
    end)

    it("and armed while its callback waits", function()
      loop.run(copas, function()
        local timer
        timer = copas.timer.new { delay = 0.001, recurring = true, callback = function()
          note("begins")
          if #order > 1 then timer:cancel() end
          copas.pause(0.01)
          note("ends")
        end }
        repeat copas.pause() until #order == 1
        timer:cancel()
        timer:arm(0.1)
      end)

      assert.same({ "begins", "ends", "begins", "ends" }, order)
    end)
  end)

  describe("that fails", function()
    it("is not armed if there can be no other thread, and can be armed again", function()
      local add, errors = copas.addnamedthread, {}
      copas.seterrorhandler(function(err) errors[#errors + 1] = err end, true)
      local timer = copas.timer.new { delay = 0, recurring = true, callback = function(self)
        note("called")
        if #order == 2 then return self:cancel() end
        copas.addnamedthread = function() error("not enough memory", 0) end
        error("oops", 0)
      end }
      copas.loop()
      copas.addnamedthread = add

      assert.same({ "not enough memory", "oops" }, errors)
      assert.equal(timer, timer:arm())
      copas.loop()
      assert.same({ "called", "called" }, order)
    end)

    it("gives its error handler the error and the thread", function()
      local given, trace
      copas.timer.new {
        delay = 0, name = "mine",
        errorhandler = function(...)
          given = pack(...)
          trace = copas.gettraceback(unpack(given, 1, 3))
        end,
        callback = function() error("broken") end,
      }
      copas.loop()

      assert.matches("timer_spec%.lua:%d+: broken$", given[1])
      assert.equal("thread", type(given[2]))
      assert.is_nil(given[3])
      assert.matches("broken %(coroutine: mine, socket: nil%)", trace)
      assert.matches("in function 'error'", trace:gsub("[‘’`]", "'"))
      assert.matches("timer_spec%.lua:%d+: in ", trace)
    end)

    it("uses the default handler without one of its own", function()
      copas.seterrorhandler(function(err) note(err) end, true)
      copas.timer.new { delay = 0, callback = function() error("broken", 0) end }
      copas.loop()

      assert.same({ "broken" }, order)
    end)

    it("does not disturb others", function()
      copas.timer.new { delay = 0, errorhandler = ignore, callback = function() error("broken") end }
      copas.timer.new { delay = 0.001, callback = function() note("called") end }
      copas.loop()

      assert.same({ "called" }, order)
    end)
  end)

  it("leaves itself and its thread to the collector when it has expired, or was cancelled", function()
    local weak = setmetatable({}, { __mode = "v" })
    local function watch(timer) weak[#weak + 1], weak[#weak + 2] = timer, timer.co end
    watch(copas.timer.new { delay = 0, callback = ignore })
    local cancelled = copas.timer.new { delay = 1000, callback = ignore }
    watch(cancelled)
    cancelled:cancel()
    cancelled = nil
    copas.loop()
    loop.collect()

    assert.is_nil(next(weak))
  end)

  it("expires in the order of the delays, not of the timers", function()
    for index = 4, 1, -1 do
      copas.timer.new { delay = index * 0.05, callback = function() note(index) end }
    end
    copas.loop()

    assert.same({ 1, 2, 3, 4 }, order)
  end)
end)
