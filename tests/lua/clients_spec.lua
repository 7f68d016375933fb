-- Client libraries made for Copas or for LuaSocket, unchanged, with their real servers: mosquitto, redis and PostgreSQL.
local certificates = require("support.certificates")
local check = require("support.check")
local child = require("support.child")
local daemon = require("support.daemon")
local loop = require("support.loop")
local others = require("support.others")

-- With native sockets and TLS, as in the runtime, in Lua 5.4; with those of LuaSocket and LuaSec in other Luas.
if _VERSION == "Lua 5.4" then
  package.loaded["socket"] = require("copas.socket")
  package.loaded["ssl"] = require("copas.tls")
end
local socket = require("socket")

local pcall = require("support.pcall")

local made, server_params, copas

-- Runs clients; returns how often another thread has ticked meanwhile, once in a millisecond.
local function run(...)
  local clients = { ... }
  local left, ticks = #clients, 0
  local timer = copas.timer.new { delay = 0.001, recurring = true, callback = function() ticks = ticks + 1 end }
  for index, client in ipairs(clients) do
    clients[index] = function()
      client()
      left = left - 1
      if left == 0 then timer:cancel() end
    end
  end
  loop.run(copas, (table.unpack or unpack)(clients))
  assert.equal(0, left)
  return ticks
end

describe("with a real server,", function()
  setup(function()
    made = certificates.new()
    server_params = made:sign("server", "127.0.0.1")
    child.shell("chmod 644 " .. server_params.key)
    child.shell("chmod 755 " .. made.folder)
  end)
  teardown(function() made:remove() end)
  before_each(function() copas = loop.fresh() end)

  describe("an MQTT client", function()
    local broker, tls_port, mqtt

    setup(function()
      broker = daemon.start_on_free_port(function(port, folder)
        local probe = assert(socket.bind("127.0.0.1", 0))
        tls_port = select(2, probe:getsockname())
        probe:close()
        local config = daemon.write(folder, "mosquitto.conf", ([[
per_listener_settings false
allow_anonymous true
max_inflight_messages 0
max_queued_messages 0
listener %d 127.0.0.1
listener %d 127.0.0.1
cafile %s
certfile %s
keyfile %s
]]):format(port, tls_port, made:file("ca.pem"), server_params.certificate, server_params.key))
        return "mosquitto -c " .. config, "mosquitto version .* running"
      end)
    end)
    teardown(function() broker:stop() end)
    before_each(function() mqtt = others.load("mqtt") end)

    local function connected(id, connector, secure, will)
      local client = mqtt.client {
        id = id, connector = mqtt.connectors[connector], host = "127.0.0.1", port = secure and tls_port or broker.port,
        secure_params = secure and made:client() or nil,
      }
      assert(client:connect(will))
      return client
    end

    for _, connector in ipairs { "wrapped", "raw" } do
      for _, secure in ipairs { false, true } do
        local how = ("with %s sockets%s"):format(connector, secure and " and TLS" or "")

        it("hears a thousand publications in their order, " .. how, function()
          local heard = {}
          run(function()
            local listener = connected("listener", connector, secure)
            assert(listener:subscribe("news/#", 1))
            local speaker = connected("speaker", connector, secure)
            for index = 1, 1000 do
              assert(speaker:publish("news/" .. index, ("%d "):format(index):rep(20), index % 100 == 0 and 1 or 0))
            end
            for index = 1, 1000 do heard[index] = listener.messages:pop() end
            speaker:disconnect()
            listener:disconnect()
          end)

          for index = 1, 1000 do
            assert.same({ topic = "news/" .. index, payload = ("%d "):format(index):rep(20) }, heard[index])
          end
        end)
      end
    end

    it("publishes from many threads by one connection", function()
      local heard = {}
      run(function()
        local client = connected("many", "wrapped")
        assert(client:subscribe("many", 1))
        local tasks = {}
        for index = 1, 50 do
          tasks[index] = copas.future.addthread(function()
            for turn = 1, 10 do assert(client:publish("many", index .. "." .. turn, turn % 2)) end
          end)
        end
        for _, task in ipairs(tasks) do assert(task:get()) end
        for _ = 1, 500 do heard[client.messages:pop().payload] = true end
        client:disconnect()
      end)

      for index = 1, 50 do
        for turn = 1, 10 do assert.is_true(heard[index .. "." .. turn]) end
      end
    end)

    it("sends a message of a megabyte", function()
      local message = ("0123456789abcdef"):rep(65536)
      local heard
      run(function()
        local client = connected("large", "wrapped", true)
        assert(client:subscribe("large", 0))
        assert(client:publish("large", message, 1))
        heard = client.messages:pop()
        client:disconnect()
      end)

      assert.is_true(heard.payload == message)
    end)

    it("leaves its will when it is gone without a word", function()
      local heard
      run(function()
        local heir = connected("heir", "wrapped")
        assert(heir:subscribe("wills", 1))
        local mortal = connected("mortal", "wrapped", false, { topic = "wills", payload = "all to you" })
        assert(mortal:ping())
        mortal:vanish()
        heard = heir.messages:pop()
        heir:disconnect()
      end)

      assert.same({ topic = "wills", payload = "all to you" }, heard)
    end)

    it("hears when the broker ends the connection", function()
      local first, ended
      run(function()
        first = connected("twin", "wrapped")
        local second = connected("twin", "wrapped") -- for which the first has to go
        ended = first.messages:pop()
        assert(second:ping())
        second:disconnect()
      end)

      assert.same({ ended = "closed" }, ended)
    end)

    it("is told that nobody listens, or nobody who may be trusted", function()
      local refused, distrusted
      run(function()
        local probe = assert(socket.bind("127.0.0.1", 0))
        local _, port = probe:getsockname()
        probe:close()
        local wrapped = mqtt.connectors.wrapped
        refused = check.pack(mqtt.client { id = "x", connector = wrapped, host = "127.0.0.1", port = port }:connect())
        distrusted = check.pack(pcall(function()
          return mqtt.client {
            id = "x", connector = wrapped, host = "127.0.0.1", port = tls_port,
            secure_params = { mode = "client", protocol = "any", verify = "peer" },
          }:connect()
        end))
      end)

      assert.same(check.pack(nil, "copas.connect failed: connection refused"), refused)
      assert.is_false(distrusted[1])
      assert.matches("certificate verify failed", distrusted[2])
    end)
  end)

  describe("a redis client with a wrapped socket", function()
    local server, redis

    setup(function()
      redis = others.load_redis()
      server = daemon.start_on_free_port(function(port, folder)
        return ("redis-server --bind 127.0.0.1 --port %d --dir %s --save '' --tls-port 0"):format(port, folder),
          "Ready to accept connections"
      end)
    end)
    teardown(function() server:stop() end)

    local function connected()
      local skt = copas.wrap(socket.tcp())
      assert(skt:connect("127.0.0.1", server.port))
      return redis.connect { socket = skt }
    end

    it("sets and gets", function()
      run(function()
        local client = connected()
        assert.is_true(client:ping())
        assert.is_true(client:set("key", "value\r\nof two lines"))
        assert.equal("value\r\nof two lines", client:get("key"))
        assert.is_nil(client:get("nothing"))
        assert.is_true(client:set("large", ("0123456789"):rep(100000)))
        assert.equal(1000000, #client:get("large"))
        client:quit()
      end)
    end)

    -- In other Luas the library's own table.insert fails.
    local test = _VERSION == "Lua 5.1" and it or pending
    test("gives a thousand commands at once", function()
      local replies
      run(function()
        local client = connected()
        replies = client:pipeline(function(all)
          for _ = 1, 1000 do all:incr("counter") end
        end)
        client:quit()
      end)

      for index = 1, 1000 do assert.equal(index, replies[index]) end
    end)

    it("waits for what another client pushes, while others run", function()
      local got
      local ticks = run(function()
        local client = connected()
        got = client:blpop("list", 0)
        client:quit()
      end, function()
        local client = connected()
        copas.pause(0.01)
        client:rpush("list", "pushed")
        client:quit()
      end)

      assert.same({ "list", "pushed" }, got)
      assert.is_true(ticks > 0)
    end)

    it("serves many threads, each with its connection", function()
      local sums = {}
      local clients = {}
      for index = 1, 20 do
        clients[index] = function()
          local client = connected()
          for turn = 1, 50 do client:incrby("sum" .. index, turn) end
          sums[index] = client:get("sum" .. index)
          client:quit()
        end
      end
      run((table.unpack or unpack)(clients))

      for index = 1, 20 do assert.equal("1275", sums[index]) end
    end)

    it("waits in its own coroutines: for messages, and in transactions", function()
      local heard = {}
      local subscribed
      local replies
      run(function()
        local client = connected()
        subscribed = copas.semaphore.new(1, 0)
        local next_message = client:pubsub { subscribe = { "channel" } }
        while true do -- a `for` calls it so that it cannot wait in Lua 5.1
          local message, abort = next_message()
          if not message then break end
          if message.kind == "subscribe" then subscribed:give() end
          if message.kind == "message" then heard[#heard + 1] = message.payload end
          if #heard == 3 and message.kind == "message" then abort() end
        end
        client:quit()
      end, function()
        local client = connected()
        copas.pause(0)
        subscribed:take()
        for index = 1, 3 do client:publish("channel", "message " .. index) end
        replies = client:transaction(function(transaction)
          transaction:set("in", "1")
          transaction:incr("in")
          transaction:get("in")
        end)
        client:quit()
      end)

      assert.same({ "message 1", "message 2", "message 3" }, heard)
      assert.same({ true, 2, "2" }, replies)
    end)

    it("is easily written: examples/lua/redis.lua", function()
      local example = debug.getinfo(1, "S").source:match("^@(.*)tests/lua/") .. "examples/lua/redis.lua"
      local result = child.runtime(example, server.port)

      assert.equal("", result.err)
      assert.equal("heard hello, and ticked meanwhile\n", result.out)
    end)

    it("raises an error if the server refuses, or is gone", function()
      local refused, gone
      run(function()
        local client = connected()
        refused = check.pack(pcall(client.incr, client, "key"))
        local id = client:raw_cmd("CLIENT ID")
        local other = connected()
        other:raw_cmd("CLIENT KILL ID " .. id)
        other:quit()
        gone = check.pack(pcall(client.get, client, "key"))
      end)

      assert.is_false(refused[1])
      assert.matches("not an integer", refused[2])
      assert.is_false(gone[1])
      assert.matches("closed", gone[2])
    end)
  end)

  describe("a PostgreSQL client on the calls of LuaSocket", function()
    local server, postgres
    local program = child.shell("ls -d /usr/lib/postgresql/*/bin").out:match("[^\n]+")
    local test = program and it or pending

    setup(function()
      if not program then return end
      -- The server does not run for root.
      local user = child.shell("id -u").out:find("^0") and "setpriv --reuid 65534 --regid 65534 --clear-groups " or ""
      server = daemon.start_on_free_port(function(port, folder)
        local data = folder .. "/data"
        local prepared = child.shell(([[
chmod 777 %s && cp %s %s/server.key && chmod 600 %s/server.key &&
{ [ -z "%s" ] || chown 65534:65534 %s/server.key; } &&
cd %s && %s%s/initdb -D %s -U me -A trust --no-sync --no-locale -E UTF8]]):format(folder, server_params.key, folder,
          folder, user, folder, folder, user, program, data))
        assert(prepared.code == 0, prepared.err)
        return ("%s%s/postgres -D %s -p %d -h 127.0.0.1 -k %s -F -c ssl=on -c ssl_cert_file=%s -c ssl_key_file=%s"):format(
          user, program, data, port, folder, server_params.certificate, folder .. "/server.key"),
          "ready to accept connections", "INT" -- without waiting for clients
      end)
    end)
    teardown(function()
      if server then server:stop() end
    end)
    before_each(function() postgres = others.load("postgres") end)

    local function connected(ssl)
      local client = postgres.new {
        host = "127.0.0.1", port = server.port, user = "me", database = "postgres", sock = copas.wrap(socket.tcp()), ssl = ssl,
      }
      client:settimeout(30000)
      assert(client:connect())
      return client
    end

    test("gets rows, many and large ones, and errors", function()
      run(function()
        local client = connected()
        assert.same({ { "1", "two" }, { "2" } }, client:query("select 1, 'two' union all select 2, null order by 1"))
        local rows = client:query("select n, repeat('x', 1000) from generate_series(1, 5000) n")
        assert.equal(5000, #rows)
        assert.equal("5000", rows[5000][1])
        assert.equal(20000000, #client:query("select repeat('y', 20000000)")[1][1])
        assert.same(check.pack(nil, 'relation "nowhere" does not exist'), check.pack(client:query("select * from nowhere")))
        assert.same({ { "3" } }, client:query("select 3"))
        client:disconnect()
      end)
    end)

    test("waits for its server, while others run", function()
      local served, clients = 0, {}
      for index = 1, 10 do
        clients[index] = function()
          local client = connected()
          assert(client:query("select pg_advisory_lock(1)"))
          served = served + 1
          client:disconnect() -- which frees the lock for the next
        end
      end
      clients[11] = function()
        local holder = connected()
        assert(holder:query("select pg_advisory_lock(1)"))
        repeat
          local waiting = tonumber(holder:query("select count(*) from pg_locks where locktype = 'advisory'")[1][1]) - 1
        until waiting + served == 10
        holder:disconnect()
      end
      run((table.unpack or unpack)(clients))

      assert.equal(10, served)
    end)

    test("waits for notifications", function()
      local got
      run(function()
        local listener = connected()
        assert(listener:query("listen news"))
        copas.addthread(function()
          local speaker = connected()
          assert(speaker:query("notify news, 'hello'"))
          speaker:disconnect()
        end)
        got = listener:wait_for_notification()
        listener:disconnect()
      end)

      assert.same({ channel = "news", payload = "hello" }, got)
    end)

    test("secures its connection when the server agrees", function()
      run(function()
        local client = connected(made:client())
        assert.same({ { "t" } }, client:query("select ssl from pg_stat_ssl where pid = pg_backend_pid()"))
        client:disconnect()
      end)
    end)

    test("is told when its connection is ended by the server, in the middle of a query", function()
      local got
      run(function()
        local client = connected()
        local id = client:query("select pg_backend_pid()")[1][1]
        copas.addthread(function()
          local other = connected()
          repeat
            local busy = other:query("select 1 from pg_stat_activity where state = 'active' and pid = " .. id)
          until #busy == 1
          other:query("select pg_terminate_backend(" .. id .. ")")
          other:disconnect()
        end)
        got = check.pack(client:query("select pg_sleep(30)"))
      end)

      assert.same(check.pack(nil, "receive: failed to get type: closed"), got)
    end)

    test("gives up after its timeout", function()
      local got
      run(function()
        local client = connected()
        client:settimeout(50)
        got = check.pack(client:query("select pg_sleep(30)"))
        client.sock:close()
      end)

      assert.same(check.pack(nil, "receive: failed to get type: timeout"), got)
    end)
  end)
end)
