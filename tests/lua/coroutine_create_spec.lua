-- A program's own function in place of coroutine.create.
local loop = require("support.loop")
local sockets = require("support.sockets")

local socket = require("copas.socket")
local unpack = table.unpack or unpack

describe("coroutine.create, replaced before Copas was loaded, as debuggers do,", function()
  local create = coroutine.create
  local copas, made

  local function replace(by)
    coroutine.create = by -- luacheck: ignore 122
    copas = loop.fresh()
    coroutine.create = create -- luacheck: ignore 122
  end

  before_each(function()
    made = {}
    replace(function(fn)
      local co = create(function(...) return fn(...) end)
      made[co] = true
      return co
    end)
  end)

  it("makes the coroutine of each thread", function()
    local got = {}
    local function note(what, ...)
      got[#got + 1] = { what, made[coroutine.running()], ... }
    end
    local server, port = sockets.listen(socket)
    copas.addserver(server, function() note("handler") end)
    copas.timer.new { delay = 0, callback = function() note("timer") end }
    loop.run(copas, function(...)
      note("thread", ...)
      copas.timeout(0.001, function(co) note("timeout", made[co]) end)
      copas.pause(0.01)
      local client = copas.wrap(socket.tcp())
      client:connect("127.0.0.1", port)
      client:receive()
      copas.removeserver(server)
    end)
    table.sort(got, function(a, b) return a[1] < b[1] end)

    assert.same({ { "handler", true }, { "thread", true }, { "timeout", true, true }, { "timer", true } }, got)
  end)

  it("lets threads have their arguments, and more of them than most", function()
    local got
    copas.addthread(function(...) got = { select("#", ...), ... } end, 1, nil, 3, nil)
    copas.loop()
    assert.same({ 4, 1, nil, 3, nil }, got)

    local many = {}
    for each = 1, 200 do many[each] = each end
    copas.addthread(function(...) got = { ... } end, unpack(many))
    copas.loop()
    assert.same(many, got)
  end)

  it("fails where it is asked for a thread", function()
    replace(function() error("no coroutines today", 0) end)
    assert.has_error(function() copas.addthread(print) end, "no coroutines today")

    replace(function() return "none" end)
    local ok, err = pcall(copas.addthread, print)
    assert.is_false(ok)
    assert.matches("coroutine.create, which was replaced, has made no coroutine$", err)
  end)
end)
