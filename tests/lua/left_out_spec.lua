-- Arguments that are false: for Copas they are left out, as nil is, so that programs may write `wait and 5`.
local check = require("support.check")
local loop = require("support.loop")
local sockets = require("support.sockets")

describe("false, in place of", function()
  local copas

  before_each(function() copas = loop.fresh() end)

  it("the time of a pause, is none", function()
    loop.run(copas, function()
      assert.is_true(copas.pause(false) < 2)
      assert.same(check.pack(), check.pack(copas.sleep(false)))
    end)
  end)

  it("the limit of a loop or a step, is none", function()
    local ran = 0
    copas.addthread(function() ran = ran + 1 end)
    copas.loop(false)
    copas.addthread(function() ran = ran + 1 end)
    copas.loop(false, false)
    copas.addthread(function() ran = ran + 1 end)
    copas.step(false)

    assert.equal(3, ran)
  end)

  for library, socket in pairs { copas = require("copas.socket"), LuaSocket = require("socket") } do
    describe(library .. "'s", function()
      it("pattern, is that for a line", function()
        local left, right = sockets.pair(socket)
        right:send("one\ntwo\nthree\n")
        loop.run(copas, function()
          assert.equal("one", (copas.receive(left, false)))
          assert.equal("two", (copas.wrap(left):receive(false)))
          copas.pause() -- what has been received already is enough
          assert.equal("three", (copas.receivepartial(left, false)))
        end)
        left:close()
        right:close()
      end)

      it("size of a datagram, is the usual one", function()
        local skt = socket.udp()
        skt:setsockname("127.0.0.1", 0)
        skt:settimeout(0)
        local ip, port = skt:getsockname()
        loop.run(copas, function()
          skt:sendto("one", ip, port)
          assert.equal("one", (copas.receivefrom(skt, false)))
          skt:sendto("two", ip, port)
          assert.equal("two", (copas.wrap(skt):receive(false)))
        end)
        skt:close()
      end)
    end)
  end

  it("units of a semaphore, is one", function()
    local semaphore = copas.semaphore.new(2, 2)
    assert.is_true(semaphore:take(false))
    assert.equal(1, semaphore:get_count())
    assert.is_true(semaphore:give(false))
    assert.equal(2, semaphore:get_count())
  end)

  it("how long a lock or a semaphore may wait, is its own limit", function()
    local lock, semaphore = copas.lock.new(0.001), copas.semaphore.new(1, 0, 0.001)
    loop.run(copas, function()
      lock:get()
      copas.addthread(function() assert.equal("timeout", select(2, lock:get(false))) end)
      assert.same(check.pack(nil, "timeout"), check.pack(semaphore:take(1, false)))
      copas.pause(0.01)
    end)
  end)
end)
