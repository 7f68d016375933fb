-- What becomes of a request of copas.http when functions of the caller's fail, or a proxy refuses: the caller hears of
-- it, the server sees the end of the connection, and no thread is left.
local check = require("support.check")
local loop = require("support.loop")
local secured = require("support.secured")
local sockets = require("support.sockets")
local web = require("support.web")

local ltn12 = require("ltn12")
local socket = require("copas.socket")

local pack = check.pack
local pcall = require("support.pcall")

local ok = web.ok

describe("copas.http", function()
  local copas, http

  before_each(function()
    copas = loop.fresh()
    http = require("copas.http")
  end)

  -- What a request comes to, and the error by which the server hears of the end of the connection, after a handler that
  -- gets it, wrapped.
  local function ask(handler, request)
    local server, port = sockets.listen(socket)
    local served = copas.semaphore.new(1)
    local got, ended, skt
    copas.addserver(server, copas.handler(function(accepted)
      handler(accepted)
      repeat
        local data, err = accepted:receive()
        ended = err
      until not data
      served:give()
    end))
    loop.run(copas, function()
      request.url = request.url or "http://127.0.0.1:" .. port
      if request.proxy then
        request.proxy = "http://127.0.0.1:" .. port
      elseif not request.create then
        function request.create()
          skt = copas.wrap(socket.tcp())
          return skt
        end
      end
      got = pack(pcall(http.request, request))
      if skt then assert.equal(-1, skt:getfd()) end -- it is closed by then, not only when it is collected
      served:take(1, math.huge)
      copas.removeserver(server)
    end) -- which would not end if a thread were left

    return got, ended
  end

  -- Reads the head of a request.
  local function read_head(skt)
    local lines = {}
    while true do
      local line = skt:receive()
      if not line or line == "" then return lines end
      lines[#lines + 1] = line
    end
  end

  -- The call has raised this error. (coxpcall's pcall adds a traceback.)
  local function raised(got, err)
    assert.is_false(got[1])
    assert.equal(err, (tostring(got[2]):gsub("\nstack traceback:.*", "")))
  end

  describe("passes on", function()
    it("the error that `create` raises, of any type", function()
      local thrown = {}
      loop.run(copas, function()
        local url = "http://127.0.0.1/"
        raised(pack(pcall(http.request, { url = url, create = function() error("mine", 0) end })), "mine")
        local got = pack(pcall(http.request, { url = url, create = function() error(thrown) end }))
        assert.equal(thrown, got[2])
      end)
    end)

    it("the error of a source in the middle of a body, before whose end it closes the connection", function()
      for _, headers in ipairs { {}, { ["content-length"] = 20 } } do
        local count, body = 0, nil
        local got, ended = ask(function(skt)
          read_head(skt)
          body = skt:receive("*a")
        end, {
          method = "PUT",
          headers = headers,
          source = function()
            count = count + 1
            if count == 3 then error("mine", 0) end
            copas.pause(0)
            return "piece\n"
          end,
        })

        raised(got, "mine")
        assert.equal("closed", ended)
        assert.equal(3, count)
        assert.matches("piece\n.*piece\n", body)
        assert.is_nil(body:find("0\r\n\r\n", 1, true)) -- which would say that this was all
      end
    end)

    it("the error of a source after the server has agreed to hear the body", function()
      local got, ended = ask(function(skt)
        read_head(skt)
        skt:send("HTTP/1.1 100 Continue\r\n\r\n")
      end, { method = "PUT", headers = { expect = "100-continue" }, source = function() error("mine", 0) end })

      raised(got, "mine")
      assert.equal("closed", ended)
    end)

    it("the error of a step while it sends, and while it receives", function()
      local function fail() error("mine", 0) end
      local got, ended = ask(read_head, { method = "PUT", source = ltn12.source.string("abc"), step = fail })
      raised(got, "mine")
      assert.equal("closed", ended)

      got, ended = ask(function(skt)
        read_head(skt)
        skt:send(ok)
      end, { step = fail })
      raised(got, "mine")
      assert.equal("closed", ended)
    end)

    it("what a step gives as its error", function()
      local got, ended = ask(function(skt)
        read_head(skt)
        skt:send(ok)
      end, { step = function() return nil, "enough" end })

      assert.same(pack(true, nil, "enough"), got)
      assert.equal("closed", ended)
    end)

    it("the error of a sink in the middle of a body", function()
      local got, ended = ask(function(skt)
        read_head(skt)
        skt:send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
      end, { sink = function() error("mine", 0) end })

      raised(got, "mine")
      assert.equal("closed", ended)
    end)
  end)

  it("uses no connection again on which something has failed", function()
    http.KEEPALIVE = true
    local connections = 0
    local server, port = sockets.listen(socket)
    copas.addserver(server, copas.handler(function(skt)
      connections = connections + 1
      while #read_head(skt) > 0 do skt:send(ok) end
    end))
    loop.run(copas, function()
      local url = "http://127.0.0.1:" .. port
      pcall(http.request, { url = url, sink = function() error("mine", 0) end })
      pcall(http.request, { url = url, step = function() error("mine", 0) end })
      assert.equal("hello", (http.request(url)))
      assert.equal("hello", (http.request(url)))
      http.closeidle()
      copas.removeserver(server)
    end)

    assert.equal(3, connections)
  end)

  it("connects a socket of `create` that was closed before, as it connects others", function()
    for _, module in ipairs { socket, (require("socket")) } do
      local got = ask(function(skt)
        read_head(skt)
        skt:send(ok)
      end, {
        create = function()
          local skt = copas.wrap(module.tcp())
          skt:close()
          return skt
        end,
      })
      assert.same({ true, 1, 200 }, { got[1], got[2], got[3] })
    end
  end)

  it("tells that a connection of `create` has ended already", function()
    local made = secured.new()
    local got = pack()
    loop.run(copas, function()
      local left, right = sockets.pair(socket)
      local skt = copas.wrap(left, made.made:client())
      skt:sni("localhost")
      skt:close()
      got = pack(pcall(http.request, { url = "http://127.0.0.1:1/", create = function() return skt end }))
      right:close()
    end)
    made:remove()

    assert.same(pack(true, nil, "closed"), got)
  end)

  it("lets `create` wait", function()
    local got = ask(function(skt)
      read_head(skt)
      skt:send(ok)
    end, {
      create = function()
        copas.pause(0)
        return copas.wrap(socket.tcp())
      end,
    })
    assert.same({ true, 1, 200 }, { got[1], got[2], got[3] })
  end)

  describe("tells what a proxy says", function()
    -- A request for what is secured, of a proxy that answers with a text; and whether anything came after its question.
    local function ask_by_proxy(answer)
      local head, more
      local got, ended = ask(function(skt)
        head = read_head(skt)
        skt:send(answer)
        skt:shutdown("send")
        more = skt:receive(1)
      end, { url = "https://far.test/secret", proxy = true, headers = { authorization = "secret" } })

      assert.equal("CONNECT far.test:443 HTTP/1.1", head[1])
      assert.is_nil(table.concat(head, "\n"):find("secret", 1, true))
      assert.is_nil(more)
      assert.equal("closed", ended)
      return got
    end

    for _, status in ipairs { "407 Proxy Authentication Required", "502 Bad Gateway", "301 Moved Permanently" } do
      it("that refuses with " .. status, function()
        local line = "HTTP/1.1 " .. status
        local got = ask_by_proxy(line .. "\r\nLocation: http://x/\r\nContent-Length: 2\r\n\r\nno")

        assert.same(pack(true, nil, line), got)
      end)
    end

    it("that refuses after it has asked for patience", function()
      local got = ask_by_proxy("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 403 Forbidden\r\n\r\n")

      assert.same(pack(true, nil, "HTTP/1.1 403 Forbidden"), got)
    end)

    it("that is none", function()
      assert.same(pack(true, nil, "not an answer of HTTP/1"), ask_by_proxy("220 mail.test\r\n"))
    end)

    it("that says nothing", function() assert.same(pack(true, nil, "closed"), ask_by_proxy("")) end)

    it("that agrees, but does not lead to a server with TLS", function()
      local got = ask(function(skt)
        read_head(skt)
        skt:send("HTTP/1.1 200 OK\r\n\r\n")
        skt:receive(1)
        skt:send("HTTP/1.1 400 Bad Request\r\n\r\n")
      end, { url = "https://far.test/secret", proxy = true })

      assert.is_false(got[1])
      assert.matches("TLS/SSL handshake failed: ", got[2])
    end)
  end)
end)
