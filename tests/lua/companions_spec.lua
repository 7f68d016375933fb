-- The module where its companions, which bring OpenSSL and c-ares, are missing.
local child = require("support.child")
local paths = require("support.paths")

-- The file of a module in C.
local function found(name)
  for place in package.cpath:gmatch("[^;]+") do
    local path = place:gsub("%?", name)
    local file = io.open(path, "rb")
    if file then
      file:close()
      return path
    end
  end
end

describe("a module without its companions", function()
  local folder

  before_each(function()
    folder = paths.new()
    local module = assert(found("copas"))
    assert.equal(0, child.shell(("mkdir %s && cp %s %s"):format(folder, child.quote(module), folder)).code)
  end)

  after_each(function()
    os.remove(folder .. "/copas.so")
    paths.remove()
    child.cleanup()
  end)

  -- What a script prints that runs in a thread, with `copas` and `socket`.
  local function output(script)
    local path = child.file(([[
      local copas, socket = require("copas"), require("copas.socket")
      copas.addthread(function() %s end)
      copas.loop()
    ]]):format(script))
    local run = child.shell(("LUA_CPATH='%s/?.so;;' %s %s"):format(folder, os.getenv("COPAS_LUA"), path))
    assert.same({ "", 0 }, { run.err, run.code })
    return run.out
  end

  it("says which one TLS needs", function()
    local said = output([[
      print(select(2, pcall(copas.http.request, "https://127.0.0.1:1/")))
    ]])

    assert.matches("module 'copas.openssl' not found", said, 1, true)
  end)

  it("talks in clear", function()
    assert.equal("hello\n", output([[
      local server = assert(socket.bind("127.0.0.1", 0))
      local _, port = server:getsockname()
      copas.addserver(server, copas.handler(function(skt)
        skt:send("hello\n")
        copas.removeserver(server)
      end))
      local skt = copas.wrap(socket.tcp())
      assert(skt:connect("127.0.0.1", port))
      print((skt:receive()))
    ]]))
  end)

  it("looks names up by the system", function()
    assert.equal("nil\tconnection refused\n", output([[
      local free = assert(socket.bind("127.0.0.1", 0))
      local _, port = free:getsockname()
      free:close()
      print(copas.wrap(socket.tcp4()):connect("localhost", port))
    ]]))
  end)
end)
