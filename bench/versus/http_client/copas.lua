-- Makes HTTP requests as a Copas program: `copas.http.request`, in as many threads as requests at once.
--   copas.lua many URL COUNT AT_ONCE   |   copas.lua download URL BYTES

-- LuaSocket's layers in Lua (ltn12, mime, socket.url) are where Debian has them, and there is Debian's Copas too:
-- ours is the one in the only folder that is searched so far.
package.preload.copas = assert(package.loadlib((package.cpath:gsub("%?.*", "copas.so")), "luaopen_copas"))
local version = jit and "5.1" or _VERSION:match "%d+%.%d+"
package.path = ("/usr/share/lua/%s/?.lua"):format(version)
package.cpath = package.cpath .. (";/usr/lib/x86_64-linux-gnu/lua/%s/?.so"):format(version)

local copas = require "copas"
local http = require "copas.http"

local mode, url = arg[1], arg[2]
local expected = "hello, world, from a server that has little to say\n"

local function make_many(count, at_once)
  local begun = 0
  for _ = 1, at_once do
    copas.addthread(function()
      while begun < count do
        begun = begun + 1
        local body, status = http.request(url)
        assert(status == 200, status)
        assert(body == expected)
      end
    end)
  end
end

local function download(bytes)
  copas.addthread(function()
    local received = 0
    local function sink(chunk)
      if chunk then received = received + #chunk end
      return 1
    end
    local _, status = http.request { url = url, sink = sink }
    assert(status == 200, status)
    assert(received == bytes)
  end)
end

local failed = false
copas.addthread(function()
  copas.seterrorhandler(function(why, thread, skt)
    failed = true
    io.stderr:write(copas.gettraceback(why, thread, skt), "\n")
  end, true)
  if mode == "many" then make_many(tonumber(arg[3]), tonumber(arg[4])) else download(tonumber(arg[3])) end
end)
copas.loop()
os.exit(not failed)
