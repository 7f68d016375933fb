-- What a secured connection has of the socket that it takes the place of, for sockets and TLS of either library.
local check = require("support.check")
local kinds = require("support.kinds")
local loop = require("support.loop")
local secured = require("support.secured")
local sockets = require("support.sockets")

local ssl = require("ssl")

local pack = check.pack
local pcall = require("support.pcall")

-- How parameters are given for the TLS of each library.
local libraries = {
  ["our TLS"] = function(params) return params end,
  ["TLS of LuaSec"] = function(params) return assert(ssl.newcontext(params)) end,
}

for name, module in pairs(kinds.modules) do
  for library, given in pairs(libraries) do
    describe(library .. " in the place of " .. name, function()
      local peers = secured.new()
      local made, server_params = peers:unpack()
      local copas, near, far

      teardown(function() peers:remove() end)

      before_each(function()
        local left, right
        copas, left, right = kinds.connected(module)
        near, far = copas.wrap(left, given(made:client())), copas.wrap(right, server_params)
      end)

      after_each(function() sockets.close(near, far) end)

      -- Runs a thread with the client's end, and one with the server's, once they have shaken hands.
      local function run(client, server)
        loop.run(copas, function()
          assert(near:dohandshake())
          client()
        end, function()
          assert(far:dohandshake())
          server()
        end)
      end

      it("has its timeout for shaking hands", function()
        near:settimeouts(0.01)
        loop.run(copas, function() assert.same(pack(nil, "timeout"), pack(near:dohandshake())) end)
      end)

      it("has its timeout for receiving, and none for what has none", function()
        near:settimeouts(nil, nil, 0.01)
        local done = copas.semaphore.new(1, 0)
        run(function()
          assert.same(pack(nil, "timeout", ""), pack(near:receive()))
          done:give()
          local much = ("x"):rep(2000000)
          assert.equal(#much, (near:send(much)))
        end, function()
          done:take()
          copas.pause(0.05) -- longer than the client's timeout
          far:receive(2000000)
        end)
      end)

      it("has its timeout for sending, and none for what has none", function()
        sockets.narrow(near.socket, far.socket)
        near:settimeouts(nil, 0.01, nil)
        local done = copas.semaphore.new(1, 0)
        run(function()
          local line = near:receive()
          assert.equal("late", line)
          local sent, err = near:send(("x"):rep(2000000))
          assert.is_nil(sent)
          assert.equal("timeout", err)
          done:give()
        end, function()
          copas.pause(0.05) -- longer than the client's timeout
          far:send("late\n")
          done:take()
        end)
      end)

      it("has its name", function()
        copas.setsocketname("mine", near)
        run(function() assert.equal("mine", copas.getsocketname(near)) end, function() end)
      end)

      it("counts its own bytes from the beginning", function()
        loop.run(copas, function()
          near:send("clear\n")
          assert.equal("answer", (near:receive()))
          near:dohandshake()
          assert.same({ 0, 0 }, { near:getstats(), (select(2, near:getstats())) })
          near:send("secret\n")
          assert.equal("ok", (near:receive()))
          assert.same({ 3, 7 }, { near:getstats(), (select(2, near:getstats())) })
        end, function()
          far:receive()
          far:send("answer\n")
          far:dohandshake()
          far:receive()
          far:send("ok\n")
        end)
      end)

      it("has the name and the timeouts of a server's connection, and is what an error comes with", function()
        local server, port = sockets.listen(module)
        local seen = {}
        copas.addserver(server, copas.handler(function(skt)
          seen.name, seen.socket = copas.getsocketname(skt), skt.socket
          seen.got = pack(skt:receive())
          error("on purpose", 0)
        end, given(server_params)), nil, "mine")
        copas.settimeouts(server, nil, nil, 0.01)
        local failed = {}
        copas.seterrorhandler(function(err, _, skt) failed = { err, skt, skt:getfd() >= 0 } end, true)
        local ok, err
        copas.addthread(function()
          ok, err = pcall(function()
            local skt = copas.wrap(kinds.native.tcp(), made:client())
            skt:connect("127.0.0.1", port)
            seen.ended = pack(skt:receive())
            skt:close()
          end)
          copas.removeserver(server)
        end)
        copas.loop()

        assert.is_true(ok, err)
        assert.equal("mine:client_1", seen.name)
        assert.same(pack(nil, "timeout", ""), seen.got)
        assert.same({ "on purpose", seen.socket, true }, failed)
        assert.equal(-1, seen.socket:getfd())
        assert.same(pack(nil, "closed", ""), seen.ended)
      end)

      it("has nothing of a socket without name and timeouts", function()
        run(function()
          assert.equal(tostring(near.socket), copas.getsocketname(near))
          assert.equal("late", (near:receive()))
        end, function() far:send("late\n") end)
      end)
    end)
  end
end

describe("our TLS in the place of a native socket", function()
  local peers = secured.new()
  local made, server_params = peers:unpack()

  teardown(function() peers:remove() end)

  for _, wanted in ipairs { true, false } do
    it("gathers what it sends as that did, and says so: " .. tostring(wanted), function()
      local copas, left, right = kinds.connected(kinds.native)
      local near, far = copas.wrap(left, made:client()), copas.wrap(right, server_params)
      near:setoption("gather-output", wanted)
      loop.run(copas, function()
        near:dohandshake()
        assert.same(pack(wanted, nil), pack(near:getoption("gather-output")))
      end, function() far:dohandshake() end)
      sockets.close(near, far)
    end)
  end
end)
