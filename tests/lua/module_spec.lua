local child = require("support.child")
local loop = require("support.loop")
local sockets = require("support.sockets")

local keys = [[
  addnamedthread addserver addthread autoclose cancelall close connect debug dohandshake exit exiting finished flush
  geterrorhandler getsocketname getthreadname gettime gettimeouts gettraceback handler loop pause pauseforever receive
  receivePartial receivefrom receivepartial removeserver removethread running send sendto setErrorHandler seterrorhandler
  setsocketname setthreadname settimeout settimeouts sleep status step timeout useSocketTimeoutErrors waitforexit wakeup
  wrap]]
local keys_of_ours = "resolver usesockettimeouterrors _COPYRIGHT _DESCRIPTION _ENGINE _VERSION"
local types = { autoclose = "boolean", running = "boolean", debug = "table" }

describe("the copas module", function()
  local copas

  before_each(function() copas = loop.fresh() end)
  after_each(child.cleanup)

  it("has the functions of the reference, and no others", function()
    local wanted = {}
    for key in keys:gmatch("%S+") do
      wanted[key] = true
      assert.equal(types[key] or "function", type(copas[key]), key)
    end
    for key in keys_of_ours:gmatch("%S+") do wanted[key] = true end
    for key in pairs(copas) do assert.is_true(wanted[key], key) end
  end)

  it("sets no global", function()
    assert.is_nil(rawget(_G, "copas"))
  end)

  it("names the version that it is compatible with, its own, and who made it", function()
    assert.equal("Copas 4.11.0", copas._VERSION)
    assert.matches("^Copas %d+%.%d+", copas._VERSION)
    assert.equal("Coroutine Oriented Portable Asynchronous Services", copas._DESCRIPTION)
    assert.equal("string", type(copas._COPYRIGHT))
    assert.matches("^%d+%.%d+", copas._ENGINE)
  end)

  it("closes connections by default and does not run", function()
    assert.is_true(copas.autoclose)
    assert.is_false(copas.running)
  end)

  it("gives nil for unknown keys", function()
    assert.is_nil(copas.no_such_thing)
    assert.is_nil(copas[1])
    assert.is_nil(copas[copas])
  end)

  it("takes new fields", function()
    copas.mine = 1

    assert.equal(1, copas.mine)
  end)

  it("knows functions by their older spellings", function()
    assert.equal(copas.receivepartial, copas.receivePartial)
    assert.equal(copas.seterrorhandler, copas.setErrorHandler)
    assert.equal(copas.useSocketTimeoutErrors, copas.usesockettimeouterrors)
  end)

  it("loads its submodules when they are first used", function()
    assert.is_nil(rawget(copas, "timer"))

    local timer = copas.timer

    assert.equal("function", type(timer.new))
    assert.equal(timer, rawget(copas, "timer"))
    assert.equal(timer, require("copas.timer"))
  end)

  it("gives the same submodule to those who require it first", function()
    local timer = require("copas.timer")

    assert.equal(timer, copas.timer)
  end)

  it("runs the loop when it is called, and returns nothing", function()
    local ran = false

    local count = select("#", copas(function() ran = true end))

    assert.is_true(ran)
    assert.equal(0, count)
  end)

  it("passes the arguments of a call to copas.loop", function()
    local got
    copas.loop = function(...) got = { ... } end

    copas(1, "two")

    assert.same({ 1, "two" }, got)
  end)

  it("tells the time of the socket module", function()
    assert.equal(require("socket").gettime, copas.gettime)
    assert.is_true(math.abs(copas.gettime() - os.time()) < 2)
  end)

  it("can be loaded in Lua states without LuaSocket", function()
    local result = child.lua [[
      package.preload.socket = function() error("there is no LuaSocket") end
      local copas = require("copas")
      local order = {}
      copas.addthread(function() copas.pause(0.01) order[#order + 1] = "b" end)
      copas.addthread(function() order[#order + 1] = "a" end)
      copas.timer.new { delay = 0.02, callback = function() order[#order + 1] = "c" end }
      copas()
      print(table.concat(order), type(copas.gettime()))
      local socket = require("copas.socket")
      local server = socket.bind("127.0.0.1", 0)
      print(server:getsockname())
    ]]

    assert.equal("", result.err)
    assert.matches("^abc\tnumber\n127%.0%.0%.1\t%d+\tinet\n$", result.out)
  end)

  if _VERSION ~= "Lua 5.1" or jit then -- coxpcall needs it
    it("does without the library debug, before and after it is loaded", function()
      local program = [[
        local copas = require("copas")
        debug = nil
        local socket = require("copas.socket")
        copas.loop(function()
          local protected = socket.protect(function() socket.try(nil, "tried") end)
          print(select(2, protected()))
          print(select(2, copas.http.request("http://127.0.0.1:" .. %d)))
          error("reported", 0)
        end)
      ]]
      local port = sockets.deaf_port(require("copas.socket"))
      for _, before in ipairs { "", "debug = nil ", "debug, package.loaded.debug = nil " } do
        local result = child.lua(before .. program:format(port))

        assert.equal("", result.err)
        assert.matches("^tried\nconnection refused\nreported %(coroutine: copas_initializer, socket: ", result.out)
      end
    end)
  end

  if _VERSION == "Lua 5.1" and not jit then
    it("leaves errors as they are where a program has put coxpcall's functions in place of Lua's", function()
      local result = child.lua [[
        local coxpcall = require("coxpcall")
        pcall, xpcall = coxpcall.pcall, coxpcall.xpcall
        local copas = require("copas")
        local luasocket = require("socket")
        copas.seterrorhandler(function(err) print(err) end, true)
        local function secured() return copas.wrap(require("copas.socket").tcp(), { mode = "client", protocol = "no" }) end
        copas.loop(function()
          copas.addthread(function() secured():dohandshake() end)
          copas.addthread(function()
            local skt = secured()
            copas.dohandshake(skt.socket, skt.ssl_params.wrap)
          end)
          local server = assert(luasocket.bind("127.0.0.1", 0))
          local _, port = server:getsockname()
          local client = assert(luasocket.connect("127.0.0.1", port))
          copas.addthread(function() copas.receive(client, "*x") end)
        end)
      ]]

      assert.equal("", result.err)
      assert.matches("^[^\n]+invalid protocol %(no%)\n[^\n]+invalid protocol %(no%)\n[^\n]+invalid receive pattern%)\n$",
        result.out)
    end)
  end

  it("reads and writes no global that is not there", function()
    local result = child.lua [[
      local function refuse(_, name) error("global " .. tostring(name)) end
      setmetatable(_G, { __index = refuse, __newindex = refuse })
      local copas = require("copas")
      copas(function() copas.pause(0) end)
      for _, name in ipairs { "future", "lock", "queue", "semaphore", "timer" } do assert(copas[name]) end
    ]]

    assert.equal("", result.err)
  end)

  it("has submodules that say so if it is not the copas that is found", function()
    local result = child.lua [[
      package.loaded["copas"] = { _VERSION = "another one" }
      local paths = os.getenv("LUA_CPATH")
      local open = assert(package.loadlib(paths:match("[^;]+"):gsub("%?", "copas"), "luaopen_copas_timer"))
      print(pcall(open, "copas.timer"))
    ]]

    assert.equal("false\tthe copas that was found first is another one than the one that copas.timer belongs to\n",
                 result.out)
  end)

  it("does not load LuaSocket's core when it is native that is asked for", function()
    local result = child.lua [[
      require("copas.socket")
      print(package.loaded["socket"], package.loaded["socket.core"])
    ]]

    assert.equal("nil\tnil\n", result.out)
  end)

  it("exports tables for programs that look for leaks, if they test", function()
    local result = child.lua [[
      assert(require("copas")._socket_register == nil)
      _TEST = true
      package.loaded.copas = nil
      local copas = require("copas")
      for _, name in ipairs { "_socket_register", "_operation_register", "_timeout_flags" } do
        assert(type(copas[name]) == "table" and next(copas[name]) == nil, name)
      end
    ]]

    assert.equal("", result.err)
  end)

  if _VERSION == "Lua 5.1" then
    it("has to be loaded before LuaSocket's HTTP module in Lua 5.1", function()
      for _, name in ipairs { "socket.http", "copas.http" } do
        local result = child.lua(([[
          package.loaded[%q] = {}
          print(pcall(require, "copas"))
        ]]):format(name))

        assert.matches("^false\t.*you must require copas before require'ing " .. name, result.out)
      end
    end)
  else
    it("may be loaded after LuaSocket's HTTP module", function()
      local result = child.lua [[
        require("socket.http")
        print(pcall(require, "copas"))
      ]]

      assert.matches("^true\ttable", result.out)
    end)
  end
end)

describe("a module that is loaded again", function()
  it("is another scheduler", function()
    local old = loop.fresh()
    local new = loop.fresh()

    old.addthread(function() end)

    assert.is_not.equal(old, new)
    assert.is_false(old.finished())
    assert.is_true(new.finished())
  end)

  it("has submodules of its own", function()
    local old = loop.fresh()
    local old_timer = old.timer
    local new = loop.fresh()

    local called
    new.timer.new { delay = 0, callback = function() called = "new" end }
    old_timer.new { delay = 0, callback = function() called = "old" end }
    new.loop()

    assert.equal("new", called)
    old.loop()
    assert.equal("old", called)
  end)

  it("leaves the old one as it is", function()
    local old = loop.fresh()
    local order = {}
    old.addthread(function()
      order[#order + 1] = "begin"
      old.pause(0.02)
      order[#order + 1] = "end"
    end)
    old.step()

    local new = loop.fresh()
    new.addthread(function() order[#order + 1] = "new" end)
    new.loop()
    old.loop()

    assert.same({ "begin", "new", "end" }, order)
  end)

  it("has the default error handler", function()
    local old = loop.fresh()
    local mine = function() end
    old.seterrorhandler(mine, true)

    local new = loop.fresh()

    assert.equal(mine, old.geterrorhandler())
    assert.is_not.equal(mine, new.geterrorhandler())
  end)

  it("may run its loop in a thread of the old one's", function()
    local outer = loop.fresh()
    local inner = loop.fresh()
    local order = {}

    loop.run(outer, function()
      outer.pause(0.01)
      inner.addthread(function()
        inner.pause(0.01)
        order[#order + 1] = "inner"
      end)
      inner.loop()
      outer.pause(0.01)
      order[#order + 1] = "outer"
    end)

    assert.same({ "inner", "outer" }, order)
  end)

  it("serves sockets that were made for the old one", function()
    local old = loop.fresh()
    local socket = require("copas.socket")
    local server, client = require("support.sockets").pair(socket)
    loop.run(old, function()
      old.settimeout(server, 0.01)
      assert.same({ nil, "timeout", "" }, { old.receive(server) })
      old.settimeout(server)
    end)

    local new = loop.fresh()
    local got
    loop.run(new, function() got = new.receive(server) end, function()
      new.pause(0.01) -- the other one waits by then
      client:send("hello\n")
    end)

    assert.equal("hello", got)
  end)

  it("can be collected", function()
    local old = setmetatable({ loop.fresh() }, { __mode = "v" })
    old[1].addthread(function() end)
    old[1].loop()

    loop.fresh()
    loop.collect()
    loop.collect()

    assert.is_nil(old[1])
  end)
end)

describe("the socket module's try functions", function()
  local copas, socket

  before_each(function()
    copas = loop.fresh()
    socket = require("socket")
  end)

  it("are the same as those of the native module, in what they do", function()
    local native = require("copas.socket")
    local f = socket.protect(function() native.try(nil, "native") end)
    local g = native.protect(function() socket.try(nil, "socket") end)

    assert.same({ nil, "native" }, { f() })
    assert.same({ nil, "socket" }, { g() })
  end)

  it("pass values on when nothing fails", function()
    local try = socket.newtry(error)

    assert.same({ 1, nil, 3, n = 3 }, { n = select("#", try(1, nil, 3)), try(1, nil, 3) })
    assert.equal(0, select("#", socket.protect(function() end)()))
    assert.same({ 1, nil, n = 2 }, { n = select("#", socket.protect(function() return 1, nil end)()), 1, nil })
  end)

  it("turn a failure into nil and the error, and nothing else", function()
    local f = socket.protect(function() socket.try(nil, "broken", "more") end)

    assert.same({ n = 2, nil, "broken" }, { n = select("#", f()), f() })
  end)

  it("treat false as a failure", function()
    assert.same({ nil, "broken" }, { socket.protect(function() socket.try(false, "broken") end)() })
  end)

  it("keep errors of any type", function()
    local mine = {}

    assert.same({ nil, mine }, { socket.protect(function() socket.try(nil, mine) end)() })
    assert.same({ n = 2 }, { n = select("#", socket.protect(function() socket.try(nil) end)()) })
  end)

  it("call the finaliser with what followed the failed value, and forget its errors", function()
    local given
    local try = socket.newtry(function(...)
      given = { n = select("#", ...), ... }
      error("ignored")
    end)

    local ok, err = socket.protect(function() try(nil, "broken", 2) end)()

    assert.is_nil(ok)
    assert.equal("broken", err)
    assert.same({ n = 2, "broken", 2 }, given)
  end)

  it("throw a table that says what it is", function()
    local ok, err = pcall(socket.try, nil, "broken")

    assert.is_false(ok)
    assert.equal("table", type(err))
    assert.equal("broken", err[1])
    assert.equal("Copas 'try' error intermediate table: 'broken'", tostring(err))
  end)

  it("let other errors pass", function()
    local mine = setmetatable({}, {})

    assert.same({ false, mine }, { pcall(socket.protect(function() error(mine) end)) })
    local ok, err = pcall(socket.protect(function() error("plain") end))
    assert.is_false(ok)
    assert.matches("plain$", err)
  end)

  it("understand the tables of LuaSocket's own functions", function()
    local core = require("socket.core")
    local f = socket.protect(function() core.newtry()(nil, "older") end)

    assert.same({ nil, "older" }, { f() })
  end)

  it("throw tables that LuaSocket's own protect understands", function()
    local result = child.lua [[
      local protect = require("socket").protect
      require("copas")
      print(protect(function() require("socket").try(nil, "newer") end)())
    ]]

    assert.equal("nil\tnewer\n", result.out)
  end)

  it("pass on tables that look like theirs", function()
    local thrown = { "mine" }

    local ok, err = pcall(socket.protect(function() error(thrown) end))

    assert.is_false(ok)
    assert.equal(thrown, err)
  end)

  it("let a function wait", function()
    local got
    loop.run(copas, function()
      got = { socket.protect(function()
        copas.pause(0.01)
        socket.try(nil, "after a wait")
      end)() }
    end)

    assert.same({ nil, "after a wait" }, got)
  end)
end)
