-- Descriptors: when there are none left, and many.
local child = require("support.child")
local script = require("support.script")

local expect = script.expect

describe("descriptors", function()
  after_each(child.cleanup)

  local function limited(count)
    return function(command) return ("ulimit -S -n %d; exec %s"):format(count, command) end
  end

  -- The beginning of a script: `use_up()` opens files until no descriptor is left, and returns them.
  local scarce = [[
    local function use_up()
      local files = {}
      repeat
        local file = io.open("/dev/null")
        files[#files + 1] = file
      until not file
      return files
    end
  ]]

  it("may run out: connections wait until one is free", function()
    local clients = child.file([[
      local socket = require("copas.socket")
      local port = tonumber(arg[1])
      local open = {}
      for index = 1, 60 do open[index] = assert(socket.connect("127.0.0.1", port)) end
      local served = 0
      for index = 1, 60 do -- each that ends makes room for one that waits
        open[index]:send("line\n")
        if open[index]:receive() == "line" then served = served + 1 end
        open[index]:close()
      end
      print(served)
    ]])
    local result = child.shell(limited(40)(child.lua_command([[
      local copas = require("copas")
      local socket = require("copas.socket")
      local server = socket.bind("127.0.0.1", 0)
      local _, port = server:getsockname()
      local left = 60
      copas.addserver(server, function(client)
        local line = copas.receive(client)
        if line then copas.send(client, line .. "\n") end
        left = left - 1
        if left == 0 then copas.removeserver(server) end
      end)
      local children = io.popen("ulimit -S -n 200; " .. arg[1] .. " " .. arg[2] .. " " .. port)
      copas.loop()
      io.write(children:read("*a"))
    ]], os.getenv("COPAS_LUA"), clients)))

    assert.equal("60\n", result.out)
    assert.equal(0, result.code)
    assert.matches("^copas: no descriptor is free[^\n]*\n$", result.err)
  end)

  it("may run out for a blocking accept, which says so and keeps the connection for the next one", function()
    local result = child.shell(limited(40)(child.lua_command(scarce .. [[
      local socket = require("copas.socket")
      local server = socket.bind("127.0.0.1", 0)
      local client = assert(socket.connect("127.0.0.1", (select(2, server:getsockname()))))
      local files = use_up()
      print(server:accept())
      files[1]:close()
      print(server:accept() ~= nil)
    ]])))

    assert.same({ out = "nil\tToo many open files\ntrue\n", err = "", code = 0 }, result)
  end)

  it("may run out for a server of LuaSocket's: it goes on when one is closed", function()
    local result = child.shell(limited(64)(child.lua_command(scarce .. [[
      local copas = require("copas")
      local socket = require("socket")
      local server, spare = socket.bind("127.0.0.1", 0), socket.tcp4()
      local client = assert(socket.connect("127.0.0.1", (select(2, server:getsockname()))))
      copas.step(0)
      local files = use_up()

      local accepted = false
      copas.addserver(server, function() accepted = true end)
      for _ = 1, 5 do copas.step(0) end
      local before = accepted
      copas.close(spare)
      for _ = 1, 5 do copas.step(0) end
      print(before, accepted)
      client:close()
    ]])))

    assert.equal("false\ttrue\n", result.out)
  end)

  -- A script in which two servers of LuaSocket's rest, each with a connection that waits: all descriptors are in use.
  local resting = scarce .. [[
    local copas = require("copas")
    local socket = require("socket")
    local spare, servers, clients = socket.tcp4(), {}, {}
    for index = 1, 2 do
      servers[index] = socket.bind("127.0.0.1", 0)
      clients[index] = assert(socket.connect("127.0.0.1", (select(2, servers[index]:getsockname()))))
    end
    copas.step(0)
    local files = use_up()

    local accepted = 0
    for _, server in ipairs(servers) do
      copas.addserver(server, function()
        accepted = accepted + 1
        copas.removeserver(server)
        copas.pauseforever() -- and keeps its descriptor
      end)
    end
    for _ = 1, 5 do copas.step(0) end
    assert(accepted == 0)
  ]]

  it("may run out for several servers of LuaSocket's: all go on when one is closed", function()
    local result = child.shell(limited(64)(child.lua_command(resting .. [[
      files[1]:close()
      copas.close(spare)
      for _ = 1, 5 do copas.step(0) end
      print(accepted)
    ]])))

    assert.same({ out = "2\n", err = "", code = 0 }, result)
  end)

  it("may run out for servers of LuaSocket's: they try again, though the loop hears of none that is closed", function()
    local result = child.shell(limited(64)(child.lua_command(resting .. [[
      copas.status(true)
      local start = copas.gettime()
      repeat copas.step(0.05) until copas.gettime() - start > 0.1
      print(copas.status().steps < 100) -- far fewer than if they tried all the time
      for index = 1, 2 do files[index]:close() end
      copas.loop()
      print(accepted)
    ]])))

    assert.same({ out = "true\n2\n", err = "", code = 0 }, result)
  end)

  it("that dropped sockets have are free again when a new socket needs one", function()
    expect("done\ndone outside\n", [[
      local server, port = listen()
      copas.addserver(server, function(client)
        local line = copas.receive(client)
        if line then copas.send(client, line .. "\n") end
      end)
      copas.addthread(function()
        for index = 1, 200 do
          local client = copas.wrap(socket.tcp())
          assert(client:connect("127.0.0.1", port))
          client:send(index .. "\n")
          assert(client:receive() == tostring(index))
        end
        for _ = 1, 200 do assert(socket.udp4()) end
        for _ = 1, 200 do assert(socket.udp():setsockname("127.0.0.1", 0)) end
        for _ = 1, 200 do assert(require("copas.socket.unix").udp()) end
        print("done")
        copas.removeserver(server)
      end)
      copas.loop()
      for _ = 1, 200 do assert(socket.bind("127.0.0.1", 0)) end
      print("done outside")
    ]], limited(64))
  end)

  it("are collected outside of the loop, by a module that a coroutine loaded", function()
    local result = child.shell(limited(64)(child.lua_command([[
      local socket
      coroutine.wrap(function()
        require("copas")
        socket = require("copas.socket")
      end)()
      collectgarbage()
      for _ = 1, 200 do assert(socket.tcp4()) end
      print("done")
    ]])))

    assert.equal("done\n", result.out)
  end)

  it("are collected inside of a connect, whatever finalisers do with sockets", function()
    local result = script.run(scarce .. [[
      local got, connected = {}, nil
      local server, port = listen()
      copas.addserver(server, function(client) got[#got + 1] = copas.receive(client) end)
      copas.addthread(function()
        local first = socket.tcp()
        assert(copas.connect(first, "127.0.0.1", port))
        local session = on_collection(function()
          copas.send(first, "goodbye\n")
          first:close()
        end)
        copas.pause(0)
        local files = use_up()
        session = nil
        table.remove(files) -- dropped as well: one for each end of the connection
        local second = socket.tcp()
        connected = copas.connect(second, "127.0.0.1", port)
        for _, file in ipairs(files) do file:close() end
        copas.send(second, "hello\n")
        while #got < 2 do copas.pause(0.001) end
        copas.removeserver(server)
      end)
      copas.loop()
      table.sort(got)
      print(connected, table.concat(got, " "))
    ]], limited(64))

    assert.equal("1\tgoodbye hello\n", result.out)
    assert.equal(0, result.code)
  end)

  it("may have numbers beyond 1024", function()
    local allowed = child.shell("ulimit -S -n 4500").code == 0
    if not allowed then return pending("the system allows too few descriptors") end

    expect("2000\ttrue\n", [[
      local server, port = listen()
      local answered, highest, clients = 0, 0, {}
      copas.addserver(server, function(client)
        highest = math.max(highest, client:getfd())
        copas.send(client, copas.receive(client) .. "\n")
      end)
      copas.addthread(function()
        for index = 1, 2000 do
          local client = socket.tcp()
          assert(copas.connect(client, "127.0.0.1", port))
          clients[index] = client
        end
        for index, client in ipairs(clients) do copas.send(client, index .. "\n") end
        for index, client in ipairs(clients) do
          if copas.receive(client) == tostring(index) then answered = answered + 1 end
        end
        copas.removeserver(server)
      end)
      copas.loop()
      print(answered, highest > 3000)
    ]], limited(4500))
  end)
end)
