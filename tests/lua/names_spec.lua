local loop = require("support.loop")
local sockets = require("support.sockets")

describe("names", function()
  local copas, socket

  before_each(function()
    copas = loop.fresh()
    socket = require("copas.socket")
  end)

  it("of threads are the coroutine's text at first", function()
    local co = copas.addthread(function() end)

    assert.equal(tostring(co), copas.getthreadname(co))
    assert.equal(tostring(co), copas.getthreadname(co))
  end)

  it("of threads may be set from inside and outside", function()
    local names = {}
    local co = copas.addthread(function()
      names[1] = copas.getthreadname()
      copas.setthreadname("inside")
      names[2] = copas.getthreadname()
    end)
    copas.setthreadname("outside", co)
    copas.loop()

    assert.same({ "outside", "inside" }, names)
    assert.equal("inside", copas.getthreadname(co))
  end)

  it("of threads may be set for any coroutine", function()
    local co = coroutine.create(function() end)
    copas.setthreadname("mine", co)

    assert.equal("mine", copas.getthreadname(co))
  end)

  it("of sockets are the raw socket's text at first", function()
    local skt = socket.tcp()

    assert.equal(tostring(skt), copas.getsocketname(skt))
    assert.equal(tostring(skt), copas.getsocketname(copas.wrap(skt)))
    assert.equal("text", copas.getsocketname("text"))
  end)

  it("of sockets belong to the raw socket", function()
    local skt = socket.tcp()
    local wrapper = copas.wrap(skt)

    copas.setsocketname("wrapped", wrapper)
    assert.equal("wrapped", copas.getsocketname(skt))
    copas.setsocketname("raw", skt)
    assert.equal("raw", copas.getsocketname(wrapper))
  end)

  it("have to be strings for things that have names", function()
    local function check(message, f, ...)
      local ok, err = pcall(f, ...)
      assert.is_false(ok)
      assert.matches(message, err, 1, true)
      assert.matches("^%S*names_spec.lua:%d+: ", (select(2, pcall(function(...) f(...) end, ...))))
    end
    check("expected arg #1 to be a string", copas.setsocketname, 1, socket.tcp())
    check("expected arg #1 to be a string", copas.setsocketname, nil, socket.tcp())
    check("expected arg #2 to be a socket", copas.setsocketname, "name")
    check("expected arg #1 to be a socket", copas.getsocketname)
    check("expected arg #1 to be a string", copas.setthreadname, {})
    check("expected arg #2 to be a coroutine or nil", copas.setthreadname, "name", "thread")
    check("expected arg #1 to be a coroutine or nil", copas.getthreadname, "thread")
  end)

  it("of servers name their connections and threads, counted from one", function()
    local names = {}
    local function keep(skt)
      names[#names + 1] = copas.getsocketname(skt) .. " " .. copas.getthreadname()
    end
    local first, first_port = sockets.listen(socket)
    local second, second_port = sockets.listen(socket)
    copas.addserver(first, keep, nil, "first")
    copas.addserver(second, keep)
    loop.run(copas, function()
      for _, port in ipairs { first_port, first_port, second_port } do
        local client = copas.wrap(socket.tcp())
        client:connect("127.0.0.1", port)
        client:receive()
      end
      copas.removeserver(first)
      copas.removeserver(second)
    end)

    assert.same({
      "first:client_1 first:handler_1",
      "first:client_2 first:handler_2",
      ("%s:client_1 %s:handler_1"):format(copas.getsocketname(second), copas.getsocketname(second)),
    }, names)
  end)

  it("are those that the server has when they come", function()
    for _, library in ipairs { socket, require("socket") } do
      local server, port = sockets.listen(library)
      local got
      copas.addserver(server, function(skt) got = copas.getsocketname(skt) .. " " .. copas.getthreadname() end, nil, "old")
      copas.setsocketname("new", server)
      loop.run(copas, function()
        local client = copas.wrap(socket.tcp())
        client:connect("127.0.0.1", port)
        client:receive()
        copas.removeserver(server)
      end)

      assert.equal("new:client_1 new:handler_1", got)
    end
  end)

  if _VERSION == "Lua 5.1" then
    it("cannot be asked for the main program, which is no coroutine", function()
      assert.has_error(function() copas.getthreadname() end)
    end)
  end
end)
