local annotations = require("reference.annotations")
local loop = require("support.loop")

local copas = loop.fresh()
local folder = debug.getinfo(1, "S").source:match("^@(.*)tests/lua/annotations_spec%.lua$") .. "lua/meta/"

-- An object of each class that is no module, and no table of options that one gives.
local objects = {
  ["copas.certificate"] = function()
    local pipe = io.popen("openssl req -x509 -newkey rsa:2048 -nodes -keyout /dev/null -subj /CN=x 2>/dev/null")
    local pem = pipe:read("*a")
    pipe:close()
    return require("copas.tls").loadcertificate(pem)
  end,
  ["copas.datagramwrapper"] = function() return copas.wrap(require("copas.socket").udp()) end,
  ["copas.debuglib"] = function() return copas.debug end,
  ["copas.dnslib"] = function() return require("copas.socket").dns end,
  ["copas.dnslib.host"] = function() return (select(2, require("copas.socket").dns.toip("127.0.0.1"))) end,
  ["copas.future"] = function() return copas.future.addthread(function() end) end,
  ["copas.lock"] = function() return copas.lock.new() end,
  ["copas.queue"] = function() return copas.queue.new() end,
  ["copas.semaphore"] = function() return copas.semaphore.new(1) end,
  ["copas.status.counts"] = function() return copas.status() end,
  ["copas.tcp"] = function() return require("copas.socket").tcp() end,
  ["copas.timer"] = function()
    local timer = copas.timer.new { delay = 0, callback = function() end }
    timer:cancel()
    return timer
  end,
  ["copas.tlsconnection"] = function()
    local left, right = require("support.sockets").pair(require("copas.socket"))
    right:close()
    return require("copas.tls").wrap(left, { mode = "client", protocol = "any" })
  end,
  ["copas.udp"] = function() return require("copas.socket").udp() end,
  ["copas.unixdgram"] = function() return require("copas.socket.unix").dgram() end,
  ["copas.unixstream"] = function() return require("copas.socket.unix").stream() end,
  ["copas.wrapper"] = function() return copas.wrap(require("copas.socket").tcp()) end,
}

local function names_of(set)
  local names = {}
  for name in pairs(set) do names[#names + 1] = name end
  table.sort(names)
  return names
end

-- What the annotations say: classes, by name, of members by name; and which of them each module is.
local classes, modules = {}, {}

local readers = {}
function readers.class(declared)
  local members = {}
  for _, field in ipairs(declared.fields) do members[field.name] = field.optional and "optional" or "field" end
  classes[declared.name] = members
end
readers["function"] = function(declared) classes[declared.class][declared.name] = "function" end
readers.same = readers["function"]

for _, subject in ipairs(annotations.subjects(folder)) do
  local file = annotations.read(folder .. subject:gsub("%.", "/") .. ".lua")
  for _, declared in ipairs(file) do
    if readers[declared.kind] then readers[declared.kind](declared) end
  end
  if file.module then
    modules[subject] = file.module
    objects[file.module] = function() return require(subject) end
    local submodule = subject:match("^copas%.(.+)")
    local _ = submodule and copas[submodule] -- which the module loads when it is first used
  end
end

-- What an object has, its methods included, in the same form; but for what it keeps at other keys than names.
local function members_of(object)
  local members = {}
  local function add(from)
    for name, value in pairs(from) do
      if type(name) == "string" then members[name] = type(value) == "function" and "function" or "field" end
    end
  end
  local methods = (debug.getmetatable(object) or {}).__index
  if type(methods) == "table" then add(methods) end
  if type(object) == "table" then add(object) end
  members.__index = nil
  return members
end

-- What an object of a class should have. An optional member counts as what it is at the moment, a field as a function if
-- its value is one, because its type says so.
local function expected_of(class, members)
  local expected = {}
  for name, kind in pairs(classes[class]) do
    if kind == "optional" then kind = members[name] end
    if kind == "field" and members[name] == "function" then kind = "function" end
    expected[name] = kind
  end
  return expected
end

describe("the annotations", function()
  it("are of all submodules", function()
    local loadable = { copas = true }
    for name in pairs(package.preload) do
      if name:find("^copas%.") then loadable[name] = true end
    end

    assert.same(names_of(loadable), names_of(modules))
  end)

  it("are of the classes that are tested here", function()
    local tested = {}
    for class in pairs(classes) do
      if not class:find("%.options$") then tested[class] = true end
    end

    assert.same(names_of(objects), names_of(tested))
  end)

  for _, class in ipairs(names_of(objects)) do
    it("of " .. class .. " have what it has, and nothing else", function()
      local members = members_of(objects[class]())

      assert.same(members, expected_of(class, members))
    end)
  end
end)
