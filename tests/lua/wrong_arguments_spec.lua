-- Errors of callers: which words they have, and whose position. Whatever lies between, C functions or Lua code of the
-- module, it is the position of the code that made the mistake; where a C function made the call itself, that of the code
-- before it, or none.
local check = require("support.check")
local loop = require("support.loop")
local sockets = require("support.sockets")

local luasocket = require("socket")
local socket = require("copas.socket")

local unpack = table.unpack or unpack

-- Each is: words, and a function of the scheduler, a connection, and another one of LuaSocket's, which gives the function
-- to be called and its arguments.
local mistakes = {
  { "expected arg #1 to be a socket, got: number", function(copas) return copas.receive, 5 end },
  { "expected arg #1 to be a socket, got: nil", function(copas) return copas.receivepartial end },
  { "expected arg #1 to be a socket, got: string", function(copas) return copas.receivefrom, "x" end },
  { "expected arg #1 to be a socket, got: number", function(copas) return copas.send, 5, "x" end },
  { "expected arg #1 to be a socket, got: number", function(copas) return copas.sendto, 5 end },
  { "expected arg #1 to be a socket, got: boolean", function(copas) return copas.connect, true end },
  { "expected arg #1 to be a socket, got: nil", function(copas) return copas.close end },
  { "expected arg #1 to be a socket, got: nil", function(copas) return copas.dohandshake end },
  { "expected arg #1 to be a socket, got: number", function(copas) return copas.settimeout, 5, 1 end },
  { "expected arg #1 to be a socket, got: number", function(copas) return copas.settimeouts, 5, 1 end },
  { "expected arg #1 to be a socket, got: nil", function(copas) return copas.wrap end },
  { "expected arg #1 to be a socket, got: nil", function(copas) return copas.addserver end },
  { "expected arg #1 to be a socket, got: number", function(copas) return copas.removeserver, 5 end },
  { "expected arg #1 to be a socket, got: number", function(copas) return copas.debug.socket, 5 end },
  { "expected arg #1 to have a method 'receive'", function(copas) return copas.receive, {} end },
  { "expected arg #1 to have a method 'receivefrom'", function(copas) return copas.receivefrom, {} end },
  { "expected arg #1 to have a method 'send'", function(copas) return copas.send, {}, "x" end },
  { "invalid receive pattern", function(copas, skt) return copas.receive, skt, "*x" end },
  { "invalid receive pattern", function(copas, skt) return copas.receivepartial, skt, {} end },
  { "invalid receive pattern", function(copas, skt) return copas.wrap(skt).receive, copas.wrap(skt), -1 end },
  { "string expected, got table", function(copas, skt) return copas.receive, skt, "*l", {} end },
  { "string expected, got ", function(copas, skt) return copas.send, skt end },
  { "number expected, got table", function(copas, skt) return copas.send, skt, "x", {} end },
  { "string expected, got ", function(copas, skt) return copas.wrap(skt).send, copas.wrap(skt) end },
  { "tcp{client} expected", function(copas) return copas.receive, socket.tcp() end },
  { "tcp{server} expected", function(copas, skt) return copas.wrap(skt).accept, copas.wrap(skt) end },
  { "number expected, got string", function(copas) return copas.receive, socket.udp(), "*l" end },
  { "bad argument #1 to 'receive' (invalid receive pattern)",
    function(copas, _, other) return copas.receive, other, "*x" end },
  { "bad argument #1 to 'send' (string expected, got table)",
    function(copas, _, other) return copas.send, other, {} end },
  { "bad argument #1 to 'connect' (string expected, got nil)",
    function(copas, _, other) return copas.wrap(other).connect, copas.wrap(other) end },
  { "bad argument #1 to 'receivefrom' (number expected, got table)",
    function(copas) return copas.receivefrom, luasocket.udp(), {} end },
  { "string expected, got nil", function(copas) return copas.connect, socket.tcp() end },
  { "string expected, got nil", function(copas) return copas.connect, socket.tcp(), "127.0.0.1" end },
  { "without parameters/context", function(copas, skt) return copas.dohandshake, skt end },
  { "without parameters/context", function(copas, _, other) return copas.dohandshake, other end },
  { "invalid context", function(copas, skt) return copas.dohandshake, skt, 5 end },
  { "string expected, got nil", function(copas, skt) return copas.dohandshake, skt, {} end },
  { "without parameters/context", function(copas, skt) return copas.wrap(skt).sni, copas.wrap(skt) end },
  { "did not expect type 5", function(copas, skt) return copas.wrap, skt, 5 end },
  { "did not expect type 5", function(copas) return copas.addserver, socket.bind("*", 0), copas.handler(print, 5) end },
  { "expected arg #2 to be a function", function(copas) return copas.addserver, socket.bind("127.0.0.1", 0) end },
  { "expected arg #1 to be a string", function(copas, skt) return copas.setsocketname, 1, skt end },
  { "expected arg #1 to be a string", function(copas) return copas.addnamedthread, 5, print end },
  { "expected arg #1 to be a coroutine or nil", function(copas) return copas.getthreadname, "x" end },
  { "Expected the handler to be a function, or nil", function(copas) return copas.seterrorhandler, 5 end },
  { "timout value must be greater than or equal to 0, got: -1", function(copas) return copas.timeout, -1, print end },
  { "the callback parameter is required", function(copas) return copas.timeout, 1 end },
  { "number expected, got string", function(copas) return copas.pause, "soon" end },
  { "the loop runs already", function(copas) return copas.step, 0 end },
  { "the loop runs already", function(copas) return copas.loop, print end },
  { "expected logger (1st argument) to be a function", function(copas) return copas.debug.start, 5 end },
  { "expected a table with options, got: number", function(copas) return copas.resolver, 5 end },
  { "unknown option 'nope'", function(copas) return copas.resolver, { nope = 1 } end },
  { "delay must be greater than or equal to 0", function(copas) return copas.timer.new, {} end },
  { "expected callback to be a function", function(copas) return copas.timer.new, { delay = 1 } end },
  { "expected timeout (1st argument) to be a number greater than or equal to 0, got: x",
    function(copas) return copas.lock.new, "x" end },
  { "lock expected", function(copas) return copas.lock.new().get, {} end },
  { "lock expected", function(copas) return copas.lock.new().release, copas.semaphore.new(1) end },
  { "expected max resources (1st argument) to be a number greater than 0, got: x",
    function(copas) return copas.semaphore.new, "x" end },
  { "number expected, got string", function(copas) return copas.semaphore.new, 1, "x" end },
  { "no integer representation", function(copas) return copas.semaphore.new, 1, 0.5 end },
  { "expected timeout (2nd argument) to be a number greater than or equal to 0, got: -1",
    function(copas) return copas.semaphore.new, 1, 0, -1 end },
  { "number expected, got string",
    function(copas) local made = copas.semaphore.new(1) return made.take, made, "x" end },
  { "number expected, got table", function(copas) local made = copas.semaphore.new(1) return made.give, made, {} end },
  { "expected a number greater than or equal to 0",
    function(copas) local made = copas.semaphore.new(1) return made.give, made, -1 end },
  { "expected a timeout greater than or equal to 0",
    function(copas) local made = copas.semaphore.new(1) return made.take, made, 1, -1 end },
  { "semaphore expected", function(copas) return copas.semaphore.new(1).take, {} end },
  { "expected a timeout greater than or equal to 0, got: x",
    function(copas) local made = copas.queue.new() return made.pop, made, "x" end },
  { "expected a timeout greater than or equal to 0, got: -1",
    function(copas) local made = copas.queue.new() return made.finish, made, -1 end },
  { "expected worker to be a function",
    function(copas) local made = copas.queue.new() return made.add_worker, made end },
  { [[expected 'tls' to be "explicit" or "implicit", got: x]],
    function(copas) return copas.smtp.send, { tls = "x" } end },
  { [[expected 'tls' to be "explicit" or "implicit", got: x]],
    function(copas) return copas.ftp.get, { tls = "x", host = "x" } end },
  { "string expected, got ", function() return socket.dns.toip end },
  { "string expected, got table", function() return socket.dns.tohostname, {} end },
  { "string expected, got no value", function() return socket.dns.getaddrinfo end },
  { "host and serv cannot be both nil", function() return socket.dns.getnameinfo end },
}

local this_file = debug.getinfo(1, "S").short_src

-- The position of the line that calls this, or of one behind it.
local function here(lines) return ("%s:%d: "):format(this_file, debug.getinfo(2, "l").currentline + lines) end

describe("a mistake of a caller", function()
  -- Ways to call a function, which end in its error.
  local ways = {
    ["in Lua code"] = function(f) return pcall(f) end,
    ["in a function that string.gsub calls"] = function(f) return pcall(string.gsub, "x", "x", f) end,
    ["in a function that table.sort calls"] = function(f) return pcall(table.sort, { 2, 1 }, f) end,
  }

  -- Runs the call of each mistake in a thread.
  local function for_each(check_mistake)
    local copas = loop.fresh()
    local near, far = sockets.pair(socket, luasocket)
    loop.run(copas, function()
      for _, mistake in ipairs(mistakes) do
        near:settimeout(0)
        far:settimeout(0)
        check_mistake(mistake[1], mistake[2](copas, near, far))
      end
    end)
    sockets.close(near, far)
  end

  for what, by in pairs(ways) do
    it("has the position of the call " .. what, function()
      for_each(function(words, call, ...)
        local arguments, at = check.pack(...), nil
        local ok, err = by(function()
          at = here(1)
          call(unpack(arguments, 1, arguments.n))
        end)
        assert.is_false(ok, words)
        assert.is_truthy(err:find(words, 1, true), words .. " in: " .. err)
        assert.equal(at, err:sub(1, #at), words)
      end)
    end)
  end

  it("has no position of the module's own if pcall itself makes the call", function()
    for_each(function(words, call, ...)
      local ok, err = pcall(call, ...)
      assert.is_false(ok, words)
      assert.is_truthy(err:find(words, 1, true), words .. " in: " .. err)
      assert.is_nil(err:find("^copas/"), err)
    end)
  end)
end)
