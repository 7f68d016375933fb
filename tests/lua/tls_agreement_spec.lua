-- What both sides of an encrypted connection agree on: certificates, names, protocols and sessions.
local check = require("support.check")
local secured = require("support.secured")
local sockets = require("support.sockets")

local socket = require("copas.socket")

local pcall = require("support.pcall")

describe("a connection with TLS", function()
  local peers = secured.new("other")
  local made, server_params, run, connect = peers:unpack()
  local echo = secured.echo
  local copas, port

  teardown(function() peers:remove() end)
  before_each(function() copas, port = peers:start() end)
  after_each(function() peers:stop() end)

  it("is refused by a client that does not know the authority", function()
    local ok, err
    local failures = run(echo, server_params, function()
      local skt = copas.wrap(socket.tcp(), { mode = "client", protocol = "any", verify = "peer" })
      ok, err = pcall(skt.connect, skt, "127.0.0.1", port)
      skt:close()
    end)

    assert.is_false(ok)
    assert.is_truthy(err:find("TLS/SSL handshake failed: certificate verify failed", 1, true))
    assert.is_truthy(failures[1].text:find("TLS/SSL handshake failed: tlsv1 alert unknown ca", 1, true))
    assert.is_truthy(tostring(failures[1].socket):find("^SSL"))
  end)

  it("is not verified where nobody asks for it", function()
    local connected
    run(echo, server_params, function()
      local skt = connect { mode = "client", protocol = "any" }
      connected = skt.socket:getpeercertificate() ~= nil
      skt:close()
    end)

    assert.is_true(connected)
  end)

  it("is refused if the certificate is for another host, where verify_host is set", function()
    local params = made:client()
    params.verify_host = true
    local ok, err, good
    run(echo, server_params, function()
      local skt = copas.wrap(socket.tcp(), params)
      ok, err = pcall(skt.connect, skt, "127.0.0.1", port)
      skt:close()
      params.verify_host = "localhost"
      skt = copas.wrap(socket.tcp(), params)
      good = skt:connect("127.0.0.1", port) == skt
      skt:close()
    end)

    assert.is_false(ok)
    assert.is_truthy(err:find("certificate verify failed", 1, true))
    assert.is_true(good)
  end)

  it("is refused if the certificate has expired", function()
    made:sign("old", "localhost", "-days -1")
    local ok, err
    run(echo, made:server("old"), function()
      local skt = copas.wrap(socket.tcp(), made:client())
      ok, err = pcall(skt.connect, skt, "127.0.0.1", port)
      skt:close()
    end)

    assert.is_false(ok)
    assert.is_truthy(err:find("certificate verify failed", 1, true))
  end)

  it("has the certificate of the name that the client asks for", function()
    local tls = require("copas.tls")
    local contexts = { ["other.test"] = assert(tls.newcontext(made:server("other"))) }
    local asked, seen = {}, {}
    run(function(skt) asked[#asked + 1] = skt:getsniname() or "none" end,
      { wrap = server_params, sni = { names = contexts, strict = false } }, function()
        for _, name in ipairs { "other.test", "unknown.test" } do
          local skt = connect(made:client(), name)
          seen[#seen + 1] = skt.socket:getpeercertificate():subject()[1].value
          skt:receive("*a")
          skt:close()
        end
      end)

    assert.same({ "other.test", "unknown.test" }, asked)
    assert.same({ "other.test", "localhost" }, seen)
  end)

  it("is refused if strict and the client asks for another name", function()
    local tls = require("copas.tls")
    local contexts = { ["other.test"] = assert(tls.newcontext(made:server("other"))) }
    local ok, err
    local failures = run(echo, { wrap = server_params, sni = { names = contexts, strict = true } }, function()
      local skt = copas.wrap(socket.tcp(), { wrap = made:client(), sni = { names = "unknown.test" } })
      ok, err = pcall(skt.connect, skt, "127.0.0.1", port)
      skt:close()
    end)

    assert.is_false(ok)
    assert.is_truthy(err:find("tlsv1 unrecognized name", 1, true))
    assert.is_truthy(failures[1].text:find("callback failed", 1, true))
  end)

  it("agrees on a protocol that both sides know", function()
    local params, client = made:server("server"), made:client()
    params.alpn = { "three", "two" }
    client.alpn = { "one", "two", "three" }
    local theirs, mine
    run(function(skt) theirs = check.pack(skt:getalpn()) end, params, function()
      local skt = connect(client)
      mine = check.pack(skt:getalpn())
      skt:receive("*a")
      skt:close()
    end)

    assert.same(check.pack("three", nil), theirs)
    assert.same(check.pack("three", nil), mine)
  end)

  it("lets a function of the server choose the protocol", function()
    local params, client = made:server("server"), made:client()
    local offered
    params.alpn = function(list)
      offered = list
      return list[2]
    end
    client.alpn = { "one", "two" }
    local chosen
    run(function() end, params, function()
      local skt = connect(client)
      chosen = skt:getalpn()
      skt:close()
    end)

    assert.same({ "one", "two" }, offered)
    assert.equal("two", chosen)
  end)

  it("lets the function of the asked name's context choose the protocol", function()
    local tls = require("copas.tls")
    local of_name, client = made:server("other"), made:client()
    of_name.alpn = function() return "two" end
    client.alpn = { "one", "two" }
    local chosen
    run(function() end, { wrap = server_params, sni = { names = { ["other.test"] = tls.newcontext(of_name) } } },
      function()
        local skt = connect(client, "other.test")
        chosen = skt:getalpn()
        skt:close()
      end)

    assert.equal("two", chosen)
  end)

  it("knows no protocol where it is not secured", function()
    local left, right = sockets.pair(socket)
    local plain = copas.wrap(left)

    assert.same(check.pack(nil, "not a tls socket"), check.pack(plain:getalpn()))
    assert.same(check.pack(nil, "not a tls socket"), check.pack(plain:getsniname()))
    left:close()
    right:close()
  end)

  it("takes up the session of an earlier one", function()
    local resumed = {}
    run(function(skt) skt:send("x") end, server_params, function()
      for _ = 1, 2 do
        local skt = connect(made:client(), "localhost")
        skt:receive("*a")
        resumed[#resumed + 1] = skt.socket:resumed()
        skt:close()
      end
    end)

    assert.same({ false, true }, resumed)
  end)

  it("notices that the files of its certificate have changed", function()
    local seen = {}
    made:sign("renewed", "first.test")
    run(function() end, made:server("renewed"), function()
      for _, host in ipairs { "first.test", "second.test" } do
        if host == "second.test" then made:sign("renewed", host) end
        local skt = connect { mode = "client", protocol = "any" }
        seen[#seen + 1] = skt.socket:getpeercertificate():subject()[1].value
        skt:close()
      end
    end)

    assert.same({ "first.test", "second.test" }, seen)
  end)

  it("notices that its parameters have changed, also inside of lists", function()
    local params, client = made:server("server"), made:client()
    params.alpn, client.alpn = { "one" }, { "one", "two", "three" }
    local seen = {}
    run(function() end, params, function()
      local function look()
        local skt = connect(client)
        seen[#seen + 1] = skt:getalpn()
        skt:close()
      end
      look()
      params.alpn[1] = "two"
      look()
      params.alpn = { "three" }
      look()
      params.alpn = "none"
      local skt = copas.wrap(socket.tcp(), client)
      seen[#seen + 1] = pcall(skt.connect, skt, "127.0.0.1", port)
      skt:close()
      params.alpn = { "one" }
      look()
    end)

    assert.same({ "one", "two", "three", false, "one" }, seen)
  end)

  it("notices that a parameter has been added or taken away", function()
    local params, client = made:server("server"), made:client()
    client.alpn = { "one" }
    local seen = {}
    run(function() end, params, function()
      for _, alpn in ipairs { false, { "one" }, false } do
        params.alpn = alpn or nil
        local skt = connect(client)
        seen[#seen + 1] = skt:getalpn() or "none"
        skt:close()
      end
    end)

    assert.same({ "none", "one", "none" }, seen)
  end)

  it("notices parameters that a metatable lends", function()
    local params, client = made:server("server"), made:client()
    client.alpn = { "one", "two" }
    local seen = {}
    run(function() end, params, function()
      local function look()
        local skt = connect(client)
        seen[#seen + 1] = skt:getalpn() or "none"
        skt:close()
      end
      look()
      local lent = { alpn = { "one" } }
      setmetatable(params, { __index = lent })
      look()
      lent.alpn = { "two" }
      look()
    end)

    assert.same({ "none", "one", "two" }, seen)
  end)

  it("raises what is wrong with its parameters, and keeps the descriptor", function()
    local left, right = sockets.pair(socket)
    for _, case in ipairs {
      { { mode = "client", protocol = "nope" }, "invalid protocol (nope)" },
      { { mode = "server", protocol = "any", certificate = "/nowhere.pem" }, "error loading certificate (/nowhere.pem" },
      { { mode = "strange", protocol = "any" }, "invalid mode" },
    } do
      local wrapped = copas.wrap(left, { wrap = case[1] })
      local ok, err = pcall(wrapped.dohandshake, wrapped)
      assert.is_false(ok)
      assert.is_truthy(err:find(case[2], 1, true), err)
      assert.equal(left, wrapped.socket)
      assert.is_true(left:getfd() >= 0)
    end
    local plain = copas.wrap(left)
    local ok, err = pcall(plain.dohandshake, plain)
    assert.is_false(ok)
    assert.is_truthy(err:find("cannot wrap socket into a secure socket (using 'ssl.wrap()') without parameters/context",
      1, true))
    left:close()
    right:close()
  end)

  it("is not in clear where names are given, but nothing to secure it with", function()
    local connected
    run(echo, server_params, function()
      local skt = copas.wrap(socket.tcp(), { sni = { names = "localhost" } })
      connected = check.pack(pcall(skt.connect, skt, "127.0.0.1", port))
      skt:close()
    end)

    assert.is_false(connected[1])
    assert.is_truthy(connected[2]:find("without parameters/context", 1, true))
  end)
end)
