-- The module copas.tls: contexts, connections that block, and certificates, as LuaSec has them.
local certificates = require("support.certificates")
local check = require("support.check")
local daemon = require("support.daemon")
local sockets = require("support.sockets")

local socket = require("copas.socket")
local tls = require("copas.tls")

describe("copas.tls", function()
  local made, server_params

  setup(function()
    made = certificates.new()
    server_params = made:sign("server", "localhost")
  end)

  teardown(function() made:remove() end)

  -- Both ends of a secured connection; they shake hands in turns, for nobody else could.
  local function pair(of_client, of_server)
    local left, right = sockets.pair(socket)
    local server = assert(tls.wrap(left, of_server or server_params))
    local client = assert(tls.wrap(right, of_client or made:client()))
    server:settimeout(0)
    client:settimeout(0)
    local done = {}
    repeat
      done.client = done.client or client:dohandshake()
      done.server = done.server or server:dohandshake()
    until done.client and done.server
    server:settimeout(5)
    client:settimeout(5)
    return client, server
  end

  it("secures sockets that block until they have what was asked for, unless they are told otherwise", function()
    local folder = daemon.folder()
    local peer = assert(daemon.start(folder, ("openssl s_server -accept 127.0.0.1:0 -rev -cert %s -key %s"):format(
      server_params.certificate, server_params.key), "^ACCEPT"))
    local plain = assert(socket.connect("127.0.0.1", tonumber(peer.lines[#peer.lines]:match(":(%d+)"))))
    local client = assert(tls.wrap(plain, made:client()))

    assert.same(check.pack(true), check.pack(client:dohandshake()))
    assert.equal(6, client:send("hello\n"))
    assert.same(check.pack("olleh", nil, nil), check.pack(client:receive()))
    client:settimeout(0)
    assert.same(check.pack(nil, "wantread", ""), check.pack(client:receive()))

    client:close()
    peer:stop()
  end)

  describe("newcontext", function()
    it("gives a context, which can be used many times", function()
      local context = assert(tls.newcontext(made:client()))

      assert.is_truthy(tostring(context):find("^SSL context: "))
      local client, server = pair(context)
      client:close()
      server:close()
      client, server = pair(context)
      client:close()
      server:close()
    end)

    for what, case in pairs {
      ["an unknown protocol"] = { { protocol = "nope" }, "invalid protocol (nope)" },
      ["sslv3"] = { { protocol = "sslv3" }, "invalid protocol (sslv3)" },
      ["an unknown mode"] = { { mode = "strange" }, "invalid mode (strange)" },
      ["a key that is not there"] = { { key = "/nowhere.key" }, "error loading private key (/nowhere.key" },
      ["a certificate that is not there"] = { { certificate = "/nowhere.pem" },
        "error loading certificate (/nowhere.pem" },
      ["an authority that is not there"] = { { cafile = "/nowhere.pem" },
        "error loading CA locations (/nowhere.pem" },
      ["a password that is no text"] = { { key = "x", password = 5 }, "invalid password type" },
      ["an unknown verification"] = { { verify = "nope" }, "invalid verify option (nope)" },
      ["an unknown further verification"] = { { verifyext = "nope" }, "invalid verify option (nope)" },
      ["an unknown option"] = { { options = { "all", "nope" } }, "invalid option (nope)" },
      ["unknown ciphers"] = { { ciphers = "nope" }, "error setting cipher list (" },
      ["DH parameters that are no function"] = { { dhparam = "x" }, "invalid DH parameter type" },
      ["an unknown curve"] = { { curve = "nope" }, "elliptic curve 'nope' not supported" },
      ["unknown curves"] = { { curveslist = "P-256:nope" }, 'unknown elliptic curve in "P-256:nope"' },
      ["protocols that are a number"] = { { alpn = 5 }, "invalid ALPN parameter" },
      ["a protocol without a name"] = { { alpn = { "" } }, "invalid ALPN name (empty string)" },
      ["a protocol with a long name"] = { { alpn = { ("x"):rep(256) } }, "invalid ALPN name (length > 255)" },
      ["no protocols"] = { { alpn = {} }, "invalid ALPN list (empty)" },
      ["a flag of DANE's that there is not"] = { { dane = { "nope" } }, "bad TLS parameter 'dane' (invalid option 'nope')",
        true },
      ["a key without a name"] = { { key = "" }, "error loading private key (" },
      ["a certificate without a name"] = { { certificates = { { certificate = "" } } }, "error loading certificate (" },
      ["authorities without a name"] = { { cafile = "" }, "error loading CA locations (" },
      ["a folder of authorities without a name"] = { { capath = "" }, "error loading CA locations (" },
      ["an empty list of ciphers"] = { { ciphers = "" }, "error setting cipher list (" },
      ["a curve without a name"] = { { curve = "" }, "elliptic curve '' not supported" },
      ["an empty list of curves"] = { { curveslist = "" }, 'unknown elliptic curve in ""' },
      ["a number as verification"] = { { verify = { 5 } }, "invalid verify option (5)" },
      ["verification that is no text"] = { { verify = true }, "bad TLS parameter 'verify' (string expected", true },
      ["further verification that is no text"] = { { verifyext = { {} } },
        "bad TLS parameter 'verifyext' (string expected", true },
      ["options that are no text"] = { { options = true }, "bad TLS parameter 'options' (string expected", true },
      ["a file name that is no text"] = { { cafile = true }, "bad TLS parameter 'cafile' (string expected", true },
      ["a depth that is no number"] = { { depth = "deep" }, "bad TLS parameter 'depth' (number expected", true },
      ["one protocol of a server"] = { { mode = "server", alpn = "x" }, "invalid ALPN parameter" },
    } do
      it("refuses " .. what, function()
        local params = { mode = "client", protocol = "any" }
        for name, value in pairs(case[1]) do params[name] = value end

        local ok, context, err = pcall(tls.newcontext, params)

        assert.equal(not case[3], ok)
        if case[3] then context, err = nil, context end
        assert.is_nil(context)
        assert.equal(case[2], err:sub(1, #case[2]))
      end)
    end

    it("raises an error without mode or protocol", function()
      for _, params in ipairs { { protocol = "any" }, { mode = "client" } } do
        local ok, err = pcall(tls.newcontext, params)
        assert.is_false(ok)
        assert.is_truthy(err:find("string expected", 1, true))
      end
    end)

    it("takes what is false as not given, and numbers in text", function()
      for _, name in ipairs { "key", "certificate", "certificates", "password", "cafile", "capath", "verify", "verifyext",
        "depth", "options", "ciphers", "ciphersuites", "dhparam", "curve", "curveslist", "alpn", "dane" } do
        assert(tls.newcontext { mode = "client", protocol = "any", [name] = false }, name)
      end
      assert(tls.newcontext { mode = "client", protocol = "any", depth = "3" })
    end)

    it("refuses the key of another certificate", function()
      made:sign("another", "another.test")
      local params = made:server("server")
      params.key = made:file("another.key")

      assert.same(check.pack(nil, "private key does not match public key"), check.pack(tls.newcontext(params)))
    end)

    it("asks a function for the password of a key only if there is need", function()
      local params = made:server("server")
      os.execute(("openssl ec -in %s -aes128 -passout pass:secret -out %s 2>/dev/null"):format(
        made:file("server.key"), made:file("locked.key")))
      local asked = 0
      params.password = function()
        asked = asked + 1
        return "secret"
      end

      assert(tls.newcontext(params))
      assert.equal(0, asked)
      params.key = made:file("locked.key")
      assert(tls.newcontext(params))
      assert.equal(1, asked)
      params.password = "wrong"
      local context, err = tls.newcontext(params)
      assert.is_nil(context)
      assert.is_truthy(err:find("error loading private key (", 1, true))
    end)

    it("accepts every option that config lists, and none of the fields it does not know", function()
      for name in pairs(tls.config.options) do
        assert(tls.newcontext { mode = "client", protocol = "any", options = name, something = {} })
      end
    end)
  end)

  describe("a connection", function()
    it("sends and receives as a TCP socket does", function()
      local client, server = pair()

      assert.same(check.pack(6, nil, nil), check.pack(client:send("hello\n")))
      assert.same(check.pack("hello", nil, nil), check.pack(server:receive()))
      assert.same(check.pack(5, nil, nil), check.pack(server:send("12345")))
      assert.same(check.pack("123", nil, nil), check.pack(client:receive(3)))
      assert.is_true(client:dirty())
      client:settimeout(0)
      assert.same(check.pack(nil, "wantread", "45"), check.pack(client:receive()))
      assert.equal("read", client:want())
      client:close()
      assert.same(check.pack(nil, "closed", ""), check.pack(server:receive()))
      server:close()
    end)

    it("is closed at the end of its block, if that says so", function()
      if _VERSION < "Lua 5.4" then return end
      local client, server = pair()

      load("local skt <close> = ...")(client)

      assert.equal(-1, client:getfd())
      assert.same(check.pack(nil, "closed", ""), check.pack(server:receive()))
      server:close()
    end)

    it("says that a server without certificate shares no cipher", function()
      local left, right = sockets.pair(socket)
      local server = assert(tls.wrap(left, { mode = "server", protocol = "any" }))
      local client = assert(tls.wrap(right, made:client()))
      client:settimeout(0)
      client:dohandshake()

      assert.same(check.pack(false, "no shared cipher"), check.pack(server:dohandshake()))
      client:settimeout(5)
      assert.same(check.pack(false, "sslv3 alert handshake failure"), check.pack(client:dohandshake()))
      client:close()
      server:close()
    end)

    it("is closed to everything before its handshake, and after its end", function()
      local left, right = sockets.pair(socket)
      local client = assert(tls.wrap(left, made:client()))
      client:settimeout(0)

      assert.equal(-1, left:getfd())
      assert.same(check.pack(nil, "closed", ""), check.pack(client:receive()))
      assert.same(check.pack(nil, "closed", 0), check.pack(client:send("x")))
      assert.same(check.pack(false, "wantread"), check.pack(client:dohandshake()))
      assert.same(check.pack(nil, "closed"), check.pack(client:info()))
      assert.same(check.pack(), check.pack(client:close()))
      assert.same(check.pack(), check.pack(client:close()))
      assert.same(check.pack(false, "closed"), check.pack(client:dohandshake()))
      assert.same(check.pack(nil, "closed", ""), check.pack(client:receive()))
      assert.same(check.pack(nil, "closed"), check.pack(client:getpeercertificate()))
      assert.same(check.pack(false, "closed"), check.pack(client:getpeerverification()))
      assert.equal(-1, client:getfd())
      assert.is_truthy(tostring(client):find(" (closed)", 1, true))
      right:close()
    end)

    it("tells what was agreed on", function()
      local client, server = pair { mode = "client", protocol = "tlsv1_2" }

      assert.equal("TLSv1.2", client:info("protocol"))
      local info = server:info()
      for name, kind in pairs { cipher = "string", bits = "number", algbits = "number", key = "string",
        authentication = "string", encryption = "string", mac = "string", export = "boolean" } do
        assert.equal(kind, type(info[name]), name)
      end
      assert.equal(client:getfinished(), server:getpeerfinished())
      assert.equal(client:exportkeyingmaterial("label", 16), server:exportkeyingmaterial("label", 16))
      assert.equal(16, #client:exportkeyingmaterial("label", 16))
      client:close()
      server:close()
    end)

    it("has addresses and options, too", function()
      local client, server = pair()

      assert.equal("127.0.0.1", (client:getpeername()))
      assert.equal(select(2, client:getsockname()), select(2, server:getpeername()))
      assert.equal(1, client:setoption("tcp-nodelay", true))
      assert.is_true(client:getoption("tcp-nodelay"))
      client:close()
      server:close()
    end)

    it("counts the bytes of its users", function()
      local client, server = pair()

      client:send("hello\n")
      server:receive()
      assert.equal(6, select(2, client:getstats()))
      assert.equal(6, (server:getstats()))
      client:close()
      server:close()
    end)

    it("shows the certificates of its peer, and whether they can be trusted", function()
      local client, server = pair { mode = "client", protocol = "any" }

      assert.equal(1, #client:getpeerchain())
      assert.is_nil((client:getpeercertificate(2)))
      assert.same(check.pack(nil, "invalid certificate index"), check.pack(client:getpeercertificate(0)))
      assert.is_nil((server:getpeercertificate()))
      local trusted, why = client:getpeerverification()
      assert.is_false(trusted)
      assert.equal("string", type(why))
      client:close()
      server:close()
    end)

    it("goes on after errors of verification with lsec_continue, and lists them by depth", function()
      local client, server = pair { mode = "client", protocol = "any", verify = "peer", verifyext = "lsec_continue" }

      local trusted, why = client:getpeerverification()
      assert.is_false(trusted)
      assert.same({ { "unable to get local issuer certificate", "unable to verify the first certificate" } }, why)
      client:close()
      server:close()
    end)

    it("verifies the client where the server asks for it", function()
      local params = made:server("server")
      params.verify, params.cafile = { "peer", "fail_if_no_peer_cert" }, made:file("ca.pem")
      local with_certificate = made:sign("client", "a client")
      with_certificate.mode, with_certificate.cafile = "client", made:file("ca.pem")

      local client, server = pair(with_certificate, params)

      assert.equal("a client", server:getpeercertificate():subject()[1].value)
      assert.is_true((server:getpeerverification()))
      client:close()
      server:close()
    end)

    it("throws on names of the wrong type", function()
      local left, right = sockets.pair(socket)
      local client, server = tls.wrap(left, made:client()), tls.wrap(right, server_params)

      assert.is_false((pcall(client.sni, client, {})))
      assert.is_false((pcall(client.sni, client)))
      assert.is_false((pcall(server.sni, server, "x")))
      assert.is_false((pcall(server.sni, server, { x = 1 })))
      client:close()
      server:close()
    end)

    it("is not made of what is no context", function()
      local left, right = sockets.pair(socket)

      local ok, err = pcall(tls.wrap, left, 5)
      assert.is_false(ok)
      assert.is_truthy(err:find("invalid context", 1, true))
      assert.is_nil((tls.wrap(left, { mode = "client", protocol = "nope" })))
      assert.is_true(left:getfd() >= 0)
      left:close()
      right:close()
    end)
  end)

  describe("a certificate", function()
    local certificate, authority

    local function read(name)
      local file = assert(io.open(made:file(name)))
      local text = file:read("*a")
      file:close()
      return text
    end

    setup(function()
      certificate = tls.loadcertificate(read("server.pem"))
      authority = tls.loadcertificate(read("ca.pem"))
    end)

    it("is loaded from PEM, and given as PEM", function()
      assert.equal(read("server.pem"), certificate:pem())
      assert.is_nil((tls.loadcertificate("nothing")))
      assert.is_truthy(tostring(certificate):find("^X509 certificate: "))
    end)

    it("tells whom it is for and who has signed it", function()
      assert.same({ { oid = "2.5.4.3", name = "commonName", value = "localhost" } }, certificate:subject())
      assert.equal("Test authority", certificate:issuer()[1].value)
      assert.same({ "localhost" }, certificate:extensions()["2.5.29.17"].dNSName)
      assert.is_true((authority:issued(certificate)))
      assert.is_nil((certificate:issued(authority)))
    end)

    it("has digests in hexadecimal", function()
      assert.is_truthy(certificate:digest():find("^%x+$"))
      assert.equal(40, #certificate:digest())
      assert.equal(64, #certificate:digest("sha256"))
      assert.same(check.pack(nil, "digest algorithm not supported (nope)"), check.pack(certificate:digest("nope")))
    end)

    it("tells when it is valid", function()
      assert.is_truthy(certificate:notbefore():find("^%a%a%a [ %d]%d %d%d:%d%d:%d%d %d%d%d%d GMT$"))
      assert.is_true(certificate:validat(os.time()))
      assert.is_false(certificate:validat(os.time() + 10 * 86400))
    end)

    it("has a serial number, a key and a kind of signature", function()
      assert.equal(("%X"):format(1006), (certificate:serial():gsub("^0", "")))
      local pem, kind, bits = certificate:pubkey()
      assert.is_truthy(pem:find("BEGIN PUBLIC KEY", 1, true))
      assert.equal("EC", kind)
      assert.equal(256, bits)
      assert.equal("ecdsa-with-SHA256", certificate:getsignaturename())
      assert.is_true(certificate:setencode("utf8"))
      assert.is_false(certificate:setencode("nope"))
    end)
  end)
end)
