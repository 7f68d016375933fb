-- What is wrong with the TLS parameters of a server: some of it when the server is added, the rest when a client comes.
local certificates = require("support.certificates")
local loop = require("support.loop")
local sockets = require("support.sockets")

local socket = require("copas.socket")

describe("a server with TLS", function()
  local made, copas, server, port

  setup(function() made = certificates.new() end)
  teardown(function() made:remove() end)

  before_each(function()
    copas = loop.fresh()
    server, port = sockets.listen(socket)
  end)
  after_each(function() server:close() end)

  local function parameters(changes)
    local params = made:sign("server", "localhost")
    for name, value in pairs(changes) do params[name] = value end
    return params
  end

  -- What a client gets from the server, which ends then.
  local function first_byte()
    local got
    loop.run(copas, function()
      local client = copas.wrap(socket.tcp(), made:client())
      client:connect("127.0.0.1", port)
      got = client:receive(1)
      client:close()
      copas.removeserver(server)
    end)
    return got
  end

  local function add(params)
    return pcall(copas.addserver, server, copas.handler(function() end, params))
  end

  -- What the first client of a server makes its error handler report.
  local function report(params)
    local reported
    copas.addserver(server, copas.handler(function() end, params))
    copas.seterrorhandler(function(err) reported = tostring(err) end, true)
    copas.addthread(function()
      local client = copas.wrap(socket.tcp())
      client:connect("127.0.0.1", port)
      client:receive("*a")
      client:close()
      copas.removeserver(server)
    end)
    copas.loop()
    return reported
  end

  it("is refused at once if its parameters can never work", function()
    for text, changes in pairs {
      ["invalid protocol (sslv3)"] = { protocol = "sslv3" },
      ["invalid mode (host)"] = { mode = "host" },
      ["invalid option (no_fun)"] = { options = { "all", "no_fun" } },
      ["invalid verify option (maybe)"] = { verify = "maybe" },
      ["invalid verify option (lsec_maybe)"] = { verifyext = { "lsec_maybe" } },
      ["bad TLS parameter 'verify' (string expected, got boolean)"] = { verify = { true } },
      ["bad TLS parameter 'key' (string expected, got boolean)"] = { key = true },
      ["bad TLS parameter 'depth' (number expected, got string)"] = { depth = "two" },
      ["invalid password type"] = { password = 42 },
      ["invalid DH parameter type"] = { dhparam = "dh.pem" },
      ["error setting cipher list (no cipher match)"] = { ciphers = "rot13" },
      ["elliptic curve 'round' not supported"] = { curve = "round" },
      ["invalid ALPN parameter"] = { alpn = "h2" },
      ["invalid ALPN list (empty)"] = { alpn = {} },
    } do
      local ok, err = add(parameters(changes))

      assert.is_false(ok, text)
      assert.is_truthy(err:find(text, 1, true), err)
    end
  end)

  it("is refused at once if its contexts by name are none", function()
    for text, sni in pairs {
      ["bad TLS parameter 'sni' (table expected, got string)"] = "other.test",
      ["bad TLS parameter 'sni.names' (table expected, got string)"] = { names = "other.test" },
      ["bad TLS parameter 'sni.names' (context expected for 'other.test', got table)"] = {
        names = { ["other.test"] = {} },
      },
    } do
      local ok, err = add { wrap = parameters {}, sni = sni }

      assert.is_false(ok, text)
      assert.is_truthy(err:find(text, 1, true), err)
    end
    local ok, err = add(42)
    assert.is_false(ok)
    assert.is_truthy(err:find("ssl parameters; did not expect type 42", 1, true), err)
  end)

  it("is told from where it was added", function()
    local _, err = pcall(function() copas.addserver(server, copas.handler(function() end, { protocol = "sslv3" })) end)

    assert.is_truthy(err:find("tls_servers_spec.lua:%d+: invalid protocol"))
  end)

  it("calls no function of its parameters before there is need", function()
    local called = false
    local function call() called = true end

    assert.is_true(add(parameters { password = call, dhparam = call, alpn = call }))
    assert.is_false(called)
    copas.removeserver(server)
  end)

  it("secures connections that copas.wrap has given the parameters, too", function()
    local handler = copas.handler(function(skt) skt:send("x") end)
    local params = parameters {}
    copas.addserver(server, function(skt) return handler(copas.wrap(skt, params)) end)

    assert.equal("x", first_byte())
  end)

  it("secures connections once, however many handlers there are", function()
    local own = copas.handler(function(skt) skt:send("x") end)
    copas.addserver(server, copas.handler(copas.handler(own), { wrap = parameters {}, sni = false }))

    assert.equal("x", first_byte())
  end)

  it("may be completed after it was added", function()
    local params = {}
    copas.addserver(server, copas.handler(function(skt) skt:send("x") end, { wrap = params }))
    for name, value in pairs(parameters {}) do params[name] = value end

    assert.equal("x", first_byte())
  end)

  it("reports at each client what is missing still", function()
    local reported = report { wrap = { protocol = "any" } }

    assert.is_truthy(reported:find("bad TLS parameter 'mode' (string expected, got nil)", 1, true), reported)
  end)

  it("reports at each client which file it cannot read", function()
    local nowhere = made:file("nowhere.pem")
    local reported = report(parameters { certificate = nowhere })

    assert.is_truthy(reported:find("error loading certificate (" .. nowhere .. ": No such file", 1, true), reported)
  end)
end)
