local child = require("support.child")
local socket = require("copas.socket")

describe("the runtime ends at the signal", function()
  after_each(child.cleanup)

  -- Starts a script that prints a line when it is ready. One that a failed test leaves ends by itself some time.
  local function start(script)
    local command = ("sh -c %s; echo status $?"):format(child.quote(
      "echo $$; exec " .. child.runtime_command(child.file("io.stdout:setvbuf('line')\n" .. script))))
    local pipe = io.popen("{ " .. command .. "; } 2>&1")
    local process = { id = assert(tonumber(pipe:read("*l"))) }
    function process.line() return pipe:read("*l") end
    function process.signal(name) assert.equal(0, child.shell(("kill -%s %d"):format(name, process.id)).code) end
    function process.rest()
      local text = pipe:read("*a")
      pipe:close()
      return text
    end
    return process
  end

  local server = [[
    local socket = require "socket"
    local server = socket.bind("127.0.0.1", 0)
    copas.addserver(server, function(skt)
      skt = copas.wrap(skt)
      repeat
        local line = skt:receive()
        if line then skt:send(line .. "\n") end
      until not line
    end)
    copas.addthread(function() copas.pause(60) os.exit(99) end)
    print((select(2, server:getsockname())))
  ]]

  for _, name in ipairs { "INT", "TERM" } do
    it(name .. ", with status 0", function()
      local process = start(server)
      process.line()
      process.signal(name)

      assert.equal("status 0\n", process.rest())
    end)

    it(name .. ", while a connection is open", function()
      local process = start(server)
      local client = assert(socket.connect("127.0.0.1", tonumber(process.line())))
      client:send("line\n")
      assert.equal("line", client:receive())
      process.signal(name)

      assert.equal("status 0\n", process.rest())
      client:close()
    end)

    -- The garbage of a connection is collected in the steps after its end: the signal comes while that goes on.
    it(name .. ", right after connections were closed", function()
      local process = start(server)
      local port = tonumber(process.line())
      for _ = 1, 5 do
        local client = assert(socket.connect("127.0.0.1", port))
        client:send("line\n")
        assert.equal("line", client:receive())
        client:close()
      end
      process.signal(name)

      assert.equal("status 0\n", process.rest())
    end)
  end

  it("after the threads that wait for the exit have finished", function()
    local process = start(server .. [[
      for index = 1, 3 do
        copas.addthread(function()
          copas.waitforexit()
          copas.pause(index / 100)
          print("finished " .. index)
        end)
      end
      copas.pause()
      print("ready")
    ]])
    process.line()
    process.line()
    process.signal("TERM")

    assert.equal("finished 1\nfinished 2\nfinished 3\nstatus 0\n", process.rest())
  end)

  it("at once when it is the second", function()
    for name, status in pairs { INT = 130, TERM = 143 } do
      local process = start(server .. [[
        copas.addthread(function()
          copas.waitforexit()
          print("exiting")
          copas.pause(60)
          os.exit(98)
        end)
        copas.pause()
        print("ready")
      ]])
      process.line()
      assert.equal("ready", process.line())
      process.signal(name)
      assert.equal("exiting", process.line())
      process.signal(name)

      assert.matches("status " .. status .. "\n$", process.rest())
    end
  end)
end)
