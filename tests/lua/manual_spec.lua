local certificates = require("support.certificates")
local child = require("support.child")
local loop = require("support.loop")
local sockets = require("support.sockets")
local web = require("support.web")

local folder = debug.getinfo(1, "S").source:match("^@(.*)manual_spec%.lua$") .. "manual/"

local function text_of(name)
  local file = assert(io.open(folder .. name .. ".lua"))
  local text = file:read("*a")
  file:close()
  return text
end

-- Replaces what the manual fixes and a test cannot have: a port, or a second of waiting.
local function replace(text, pattern, replacement)
  local result, count = text:gsub(pattern, replacement)
  assert.equal(1, count)
  return result
end

local function run(text, name, environment)
  local chunk
  if setfenv then
    chunk = setfenv(assert(loadstring(text, "=" .. name)), environment)
  else
    chunk = assert(load(text, "=" .. name, "t", environment))
  end
  chunk()
end

-- The folder holds the examples of the manual as they are printed there.
describe("the manual's example", function()
  local copas, environment, printed

  local function example(name, text)
    run(text or text_of(name), name, environment)
  end

  before_each(function()
    copas = loop.fresh()
    printed = {}
    environment = setmetatable({
      copas = copas,
      print = function(...)
        local words = { ... }
        for index = 1, select("#", ...) do words[index] = tostring(words[index]) end
        printed[#printed + 1] = table.concat(words, "\t")
      end,
    }, { __index = _G })
  end)
  after_each(child.cleanup)

  it("for the runtime greets five times", function()
    -- with less than a second between the greetings
    local script = replace(text_of("hello_world"), "delay = 1,", "delay = 0.01,")
    local result = child.runtime(child.file(script))

    assert.equal("", result.err)
    assert.equal("hello world 1\nhello world 2\nhello world 3\nhello world 4\nhello world 5\n", result.out)
    assert.equal(0, result.code)
  end)

  it("of a timer calls back once", function()
    example("timer", replace(text_of("timer"), "delay = 1,", "delay = 0.01,"))

    assert.same({ "hello world" }, printed)
  end)

  it("of a main loop goes on while its condition holds", function()
    local steps, holds = 0, true
    setmetatable(environment, { __index = function(_, key)
      if key ~= "condition" then return _G[key] end
      if holds then steps = steps + 1 end
      return holds
    end })
    local order = {}
    copas.addthread(function()
      for index = 1, 3 do
        order[index] = index
        copas.pause(0.001)
      end
      holds = false
    end)

    example("step")

    assert.same({ 1, 2, 3 }, order)
    assert.is_true(steps >= 4)
  end)

  it("of requests lets all of them run at once", function()
    local requests, most = 0, 0
    local server = web.serve(copas, {
      function()
        requests = requests + 1
        most = math.max(most, requests)
        while most < 5 do copas.pause(0.001) end
        return "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
      end,
    })
    copas.addthread(function()
      while #printed < 5 do copas.pause(0.001) end
      server:stop()
    end)

    -- with URLs of this machine
    local text, count = text_of("http"):gsub("http://www%.(%a+)%.com", server.url .. "/%1")
    assert.equal(5, count)
    example("http", text)

    table.sort(printed)
    for index, name in ipairs { "apple", "facebook", "google", "microsoft", "yahoo" } do
      assert.equal("Host done: " .. server.url .. "/" .. name, printed[index])
    end
    assert.equal("ok", environment.res)
    assert.equal(5, most)
  end)

  for _, module in ipairs { "socket", "copas.socket" } do
    describe("with the sockets of " .. module .. ",", function()
      local socket

      before_each(function()
        socket = require(module)
        environment.socket = socket
        environment.require = function(name) return require(name == "socket" and module or name) end
        environment.host, environment.port = "127.0.0.1", 0
      end)

      -- Runs the rest of a server's example against a client; the server ends with the client.
      local function serve(register, talk)
        local failure
        example(register)
        local _, port = environment.server:getsockname()
        copas.seterrorhandler(function(err)
          failure = failure or err
          copas.removeserver(environment.server)
        end, true)
        copas.addthread(function()
          local client = copas.wrap(require("copas.socket").tcp())
          client:settimeout(5)
          assert(client:connect("127.0.0.1", tonumber(port)))
          talk(client)
          client:close()
          copas.removeserver(environment.server)
        end)
        example("start")
        assert.is_nil(failure)
      end

      local function quit(client)
        assert(client:send("quit\n"))
        local data, err = client:receive(1)
        assert.is_nil(data)
        assert.equal("closed", err)
      end

      for _, handler in ipairs { "echo", "echo_wrapped" } do
        it("the handler " .. handler .. " echoes until it is told to quit", function()
          example("bind")
          example(handler)

          serve("addserver", function(client)
            for _, word in ipairs { "hello", "world" } do
              assert(client:send(word .. "\n"))
              assert.equal(word, client:receive(5))
            end
            quit(client)
          end)
        end)

        it("the handler " .. handler .. " serves several clients at a time", function()
          example("bind")
          example(handler)

          serve("addserver", function(client)
            local _, port = environment.server:getsockname()
            local other = copas.wrap(require("copas.socket").tcp())
            other:settimeout(5)
            assert(other:connect("127.0.0.1", tonumber(port)))
            assert(other:send("second\n"))
            assert.equal("second", other:receive(6))
            assert(client:send("first\n"))
            assert.equal("first", client:receive(5))
            quit(client)
            quit(other)
            other:close()
          end)
        end)
      end

      for _, handler in ipairs { "migrate_functions", "migrate_wrap" } do
        it("the server of " .. handler .. " receives a request and sends a response", function()
          environment.pattern, environment.respdata = "*l", "response\n"
          -- without the dots that stand for what the manual leaves out
          local text, omissions = text_of(handler):gsub("%f[^\n]%.%.%.\n", "")
          assert.equal(3, omissions)
          example(handler, text)

          serve("migrate_register", function(client)
            assert(client:send("request\n"))
            assert.equal("response", client:receive("*l"))
            local _, err = client:receive("*l")
            assert.equal("closed", err)
          end)
          assert.equal("request", environment.reqdata)
        end)
      end

      describe("with TLS", function()
        local made, of_client
        local operations = "%-%- perform the regular reading/writing ops on skt"

        setup(function() made = certificates.new() end)
        teardown(function() made:remove() end)
        before_each(function()
          environment.sslparams = made:sign("server", "localhost")
          of_client = made:client()
        end)

        -- Serves with a handler of the environment while `client` runs.
        local function serve_while(handler, client)
          local server, port = sockets.listen(socket)
          copas.addserver(server, environment[handler])
          loop.run(copas, function()
            client(port)
            copas.removeserver(server)
          end)
        end

        for handler, file in pairs { handler = "tls_handler", handle = "tls_wrapped_handler" } do
          it("the handler " .. file .. " serves secured connections", function()
            example(file, replace(text_of(file), operations, [[
              local line = skt:receive()
              if not line then return end
              skt:send(line .. "\n")]]))

            local echoed
            serve_while(handler, function(port)
              local skt = copas.wrap(socket.tcp(), of_client)
              skt:connect("127.0.0.1", port)
              skt:send("in secret\n")
              echoed = skt:receive()
              skt:close()
            end)
            assert.equal("in secret", echoed)
          end)
        end

        it("the client shakes hands when it connects", function()
          environment.handler = copas.handler(function(skt) skt:send("welcome\n") end, environment.sslparams)
          environment.sslparams, environment.socket, environment.received = of_client, socket, {}
          serve_while("handler", function(port)
            environment.port = port
            example("tls_client", replace(text_of("tls_client"), operations, [[
              local line = skt:receive()
              received[#received + 1] = line or "the end"
              if not line then return skt:close() end]]))
            while environment.received[#environment.received] ~= "the end" do copas.pause(0.001) end
          end)

          assert.same({ "welcome", "the end" }, environment.received)
        end)
      end)

      it("the server for datagrams tells of those it received", function()
        local server
        environment.socket = setmetatable({ udp = function()
          server = socket.udp()
          return server
        end }, { __index = socket })
        copas.addthread(function()
          local _, port = server:getsockname()
          local client = require("copas.socket").udp()
          for count = 1, 2 do
            client:sendto(("x"):rep(count * 5), "127.0.0.1", port)
            while #printed < 2 + 2 * count do copas.pause(0.001) end
          end
          client:close()
          copas.close(server)
        end)

        -- with a free port
        example("udp", replace(text_of("udp"), "local port = 51034", "local port = 0"))

        assert.same({
          "UDP connection handler",
          "receiving...", "Received data, bytes:\t5",
          "receiving...", "Received data, bytes:\t10",
          "receiving...", "Receive error: \tclosed",
        }, printed)
      end)

      it("the connecting client receives until it is told to quit", function()
        local server, port = sockets.listen(socket)
        copas.addserver(server, function(skt)
          copas.send(skt, "hello!")
          copas.send(skt, "quit\r\n")
          copas.removeserver(server)
        end)

        -- with a free port
        example("client", replace(text_of("client"), "local port = 10000", "local port = " .. port))

        assert.same({ "receiving...", "received:\thello!", "receiving...", "received:\tquit\r\n" }, printed)
      end)
    end)
  end
end)
