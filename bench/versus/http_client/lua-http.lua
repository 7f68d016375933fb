-- Makes HTTP requests by lua-http on cqueues, as in its manual: request.new_from_uri, go, get_body_as_string. It
-- keeps no connections for that interface.
--   lua-http.lua many URL COUNT AT_ONCE   |   lua-http.lua download URL BYTES
local cqueues = require "cqueues"
local request = require "http.request"

local mode, url = arg[1], arg[2]
local expected = "hello, world, from a server that has little to say\n"
local controller = cqueues.new()

local function make_many(count, at_once)
  local begun = 0
  for _ = 1, at_once do
    controller:wrap(function()
      while begun < count do
        begun = begun + 1
        local headers, stream = assert(request.new_from_uri(url):go())
        assert(headers:get ":status" == "200")
        assert(stream:get_body_as_string() == expected)
        stream:shutdown()
      end
    end)
  end
end

local function download(bytes)
  controller:wrap(function()
    local received = 0
    local headers, stream = assert(request.new_from_uri(url):go())
    assert(headers:get ":status" == "200")
    for chunk in stream:each_chunk() do received = received + #chunk end
    assert(received == bytes)
  end)
end

if mode == "many" then make_many(tonumber(arg[3]), tonumber(arg[4])) else download(tonumber(arg[3])) end
assert(controller:loop())
