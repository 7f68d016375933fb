-- Servers and clients for the web made for Copas, unchanged: a WebSocket library, and a server in the style of Xavante.
local check = require("support.check")
local loop = require("support.loop")
local others = require("support.others")
local sockets = require("support.sockets")

local socket = require("copas.socket")

local pcall = require("support.pcall")

describe("a WebSocket library", function()
  local copas, websocket, server

  before_each(function()
    copas = loop.fresh()
    websocket = others.load("websocket")
  end)

  local function listen(handler)
    server = websocket.listen { interface = "127.0.0.1", port = 0, protocols = { echo = handler } }
  end

  local function echo(client)
    while true do
      local message, opcode = client:receive()
      if not message then return client:close() end
      if not client:send(message, opcode) then return end
    end
  end

  local function connected()
    local client = websocket.client { timeout = 30, protocol = "echo" }
    assert.same(check.pack(true, "echo"), check.pack(client:connect("127.0.0.1", server.port, "/chat")))
    return client
  end

  it("carries messages of all sizes both ways", function()
    listen(echo)
    local sizes, got = { 0, 1, 125, 126, 127, 65535, 65536 }, {}
    loop.run(copas, function()
      local client = connected()
      for index, size in ipairs(sizes) do
        client:send(("x"):rep(size), websocket.BINARY)
        got[index] = #client:receive()
      end
      client:close()
      server:close()
    end)

    assert.same(sizes, got)
  end)

  it("ends in good order, by whoever ends it", function()
    local reasons = {}
    listen(function(client)
      if client:receive() == "you" then return client:close() end
      reasons.server = check.pack(client:receive())
    end)
    loop.run(copas, function()
      local client = connected()
      client:send("you")
      reasons.client = check.pack(client:receive())
      client = connected()
      client:send("me")
      client:close()
      server:close()
    end)

    assert.same(check.pack(nil, "closed in good order"), reasons.client)
    assert.same(check.pack(nil, "closed in good order"), reasons.server)
  end)

  it("hears of a peer that is gone without a word", function()
    local reason
    listen(function(client) reason = check.pack(client:receive()) end)
    loop.run(copas, function()
      local client = connected()
      client:sock_send(websocket.encode("beginning", websocket.TEXT, "mask"):sub(1, 5))
      client:sock_close()
      server:close(true)
    end)

    assert.same(check.pack(nil, "closed"), reason)
    assert.same({}, server.clients)
  end)

  it("puts pieces together, and answers pings between them", function()
    listen(echo)
    local got, pong
    loop.run(copas, function()
      local client = connected()
      client:sock_send(websocket.encode("one, ", websocket.TEXT, "mask", false))
      client:sock_send(websocket.encode("still there?", websocket.PING, "mask"))
      pong = client:receive_frame()
      for letter in websocket.encode("two", 0, "mask"):gmatch(".") do -- one byte after the other
        client:sock_send(letter)
        copas.pause()
      end
      got = client:receive()
      client:close()
      server:close()
    end)

    assert.same({ data = "still there?", fin = true, opcode = websocket.PONG }, pong)
    assert.equal("one, two", got)
  end)

  it("tells all what one says, while others come and go", function()
    local heard = {}
    listen(function(client)
      while true do
        local message = client:receive()
        if not message then return client:close() end
        client:broadcast(message)
      end
    end)
    loop.run(copas, function()
      local clients = {}
      for index = 1, 12 do clients[index] = connected() end
      for index = 1, 4 do clients[index]:close() end
      clients[12]:send("hello all")
      for index = 5, 12 do heard[#heard + 1] = clients[index]:receive() end
      for index = 5, 12 do
        copas.addthread(function()
          assert.same(check.pack(nil, "closed in good order"), check.pack(clients[index]:receive()))
        end)
      end
      server:close() -- which closes the connections, too, one after the other, when their clients agree
    end)

    assert.equal(8, #heard)
    for _, message in ipairs(heard) do assert.equal("hello all", message) end
  end)

  it("refuses, and is refused", function()
    listen(echo)
    local refused, wrong
    local deaf = sockets.deaf_port(socket)
    loop.run(copas, function()
      refused = check.pack(websocket.client():connect("127.0.0.1", deaf, "/"))
      wrong = check.pack(websocket.client { protocol = "unknown" }:connect("127.0.0.1", server.port, "/"))
      server:close()
    end)

    assert.same(check.pack(nil, "connection refused"), refused)
    assert.same(check.pack(nil, "HTTP/1.1 400 Bad Request"), wrong)
  end)
end)

describe("a web server in the style of Xavante", function()
  local copas

  before_each(function() copas = loop.fresh() end)

  local function read_request(skt)
    local line = copas.receive(skt)
    if not line then return nil end
    local request = { method = line:match("^(%S+)"), path = line:match("^%S+ (%S+)"), headers = {}, rawskt = skt }
    while true do
      line = copas.receive(skt)
      if not line or line == "" then return request end
      local name, value = line:match("^(.-):%s*(.*)$")
      request.headers[name:lower()] = value
    end
  end

  -- Sends what a handler makes, in chunks; the handler may fail, which is answered, too.
  local function respond(request, handler)
    local skt = request.rawskt
    local response = { started = false }
    function response.send_data(data)
      if not response.started then
        copas.send(skt, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        response.started = true
      end
      copas.send(skt, ("%x\r\n%s\r\n"):format(#data, data))
    end
    local ok, err = pcall(handler, request, response)
    if response.started then
      copas.send(skt, "0\r\n\r\n")
    else
      local body = ok and "" or tostring(err):match("on purpose")
      copas.send(skt, ("HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s"):format(ok and "200 OK" or "500 Error", #body, body))
    end
    copas.flush(skt)
    return request.headers.connection ~= "close"
  end

  local function serve(handlers)
    local server, port = sockets.listen(socket)
    copas.addserver(server, function(skt)
      copas.setErrorHandler(function() skt:close() end)
      skt:setoption("tcp-nodelay", true)
      repeat
        local request = read_request(skt)
      until not request or not respond(request, handlers[request.path])
    end)
    return server, port
  end

  local function get(skt, path, last)
    skt:send(("GET %s HTTP/1.1\r\nHost: x\r\nConnection: %s\r\n\r\n"):format(path, last and "close" or "keep-alive"))
    local line, headers = skt:receive(), {}
    while true do
      local header = skt:receive()
      if header == "" then break end
      local name, value = header:match("^(.-): (.*)$")
      headers[name:lower()] = value
    end
    if headers["content-length"] then return line, skt:receive(tonumber(headers["content-length"])) end
    local chunks = {}
    repeat
      local size = tonumber(skt:receive(), 16)
      chunks[#chunks + 1] = skt:receive(size)
      skt:receive()
    until size == 0
    return line, table.concat(chunks)
  end

  it("answers many requests on many connections, whose handlers wait and fail", function()
    local server, port = serve {
      ["/slow"] = function(_, response)
        for part = 1, 3 do
          copas.pause(0.001)
          response.send_data("part " .. part .. " ")
        end
      end,
      ["/wrong"] = function()
        copas.pause(0)
        error("on purpose")
      end,
      ["/large"] = function(_, response) response.send_data(("y"):rep(1000000)) end,
    }
    local answers = 0
    loop.run(copas, function()
      local left = 20
      for _ = 1, 20 do
        copas.addthread(function()
          local skt = copas.wrap(socket.tcp())
          assert(skt:connect("127.0.0.1", port))
          assert.same({ "HTTP/1.1 200 OK", "part 1 part 2 part 3 " }, { get(skt, "/slow") })
          assert.same({ "HTTP/1.1 500 Error", "on purpose" }, { get(skt, "/wrong") })
          local _, large = get(skt, "/large", true)
          assert.equal(1000000, #large)
          assert.same(check.pack(nil, "closed", ""), check.pack(skt:receive()))
          answers = answers + 3
          left = left - 1
          if left == 0 then copas.removeserver(server) end
        end)
      end
    end)

    assert.equal(60, answers)
  end)

  it("loses no more than a connection when a client is gone, or speaks nonsense", function()
    local server, port = serve { ["/"] = function(_, response) response.send_data("here") end }
    loop.run(copas, function()
      for _, words in ipairs { "", "GET", "GET / HTTP/1.1\r\nHost", "nonsense\r\n\r\n", "GET /nowhere HTTP/1.1\r\nno header\r\n" } do
        local skt = copas.wrap(socket.tcp())
        assert(skt:connect("127.0.0.1", port))
        skt:send(words)
        skt:close()
      end
      local skt = copas.wrap(socket.tcp())
      assert(skt:connect("127.0.0.1", port))
      assert.same({ "HTTP/1.1 200 OK", "here" }, { get(skt, "/", true) })
      copas.removeserver(server)
    end)
  end)
end)
