-- Encrypted connections of LuaSec, which are made where one of its contexts is given, or by a program itself.
local secured = require("support.secured")

local socket = require("copas.socket")

describe("a connection with TLS", function()
  local peers = secured.new("other")
  local made, server_params, run, connect = peers:unpack()
  local echo = secured.echo
  local copas, port

  teardown(function() peers:remove() end)
  before_each(function() copas, port = peers:start() end)
  after_each(function() peers:stop() end)

  describe("of LuaSec", function()
    local ssl = require("ssl")

    it("is made by contexts of LuaSec", function()
      local got, text
      run(echo, assert(ssl.newcontext(server_params)), function()
        local skt = copas.wrap(socket.tcp(), assert(ssl.newcontext(made:client())))
        skt:settimeout(5)
        local connected, err = skt:connect("127.0.0.1", port)
        assert.equal(skt, connected, err)
        text = tostring(skt.socket)
        skt:send("hello\n")
        got = skt:receive()
        skt:close()
      end)

      assert.equal("hello", got)
      assert.is_truthy(text:find("^SSL connection: "))
    end)

    it("serves names by contexts of LuaSec, with a table of parameters for the others", function()
      local contexts = { ["other.test"] = assert(ssl.newcontext(made:server("other"))) }
      local seen = {}
      run(function(skt) skt:send("x") end, { wrap = server_params, sni = { names = contexts } }, function()
        for _, name in ipairs { "other.test", "unknown.test" } do
          local skt = connect(made:client(), name)
          seen[#seen + 1] = skt.socket:getpeercertificate():subject()[1].value
          skt:receive("*a")
          skt:close()
        end
      end)

      assert.same({ "other.test", "localhost" }, seen)
    end)

    it("wraps native sockets by itself, and works in a wrapped socket", function()
      local got
      run(echo, server_params, function()
        local raw = socket.tcp()
        copas.connect(raw, "127.0.0.1", port)
        local connection = assert(ssl.wrap(raw, made:client()))
        assert.equal(-1, raw:getfd())
        connection:settimeout(0)
        local skt = copas.wrap(connection)
        skt:dohandshake()
        skt:send("hello\n")
        got = skt:receive()
        skt:close()
      end)

      assert.equal("hello", got)
    end)

    it("closes a handler's connection at its end", function()
      local ended
      run(function() end, assert(ssl.newcontext(server_params)), function()
        local skt = connect()
        ended = select(2, skt:receive())
        skt:close()
      end)

      assert.equal("closed", ended)
    end)
  end)
end)
