-- Scripts that run in an interpreter of their own, with a few functions at hand.
local assert = require("luassert")
local child = require("support.child")

local script = {}

-- Defines a function that calls `body` when what it returns is collected.
script.on_collection = [[
  local function on_collection(body)
    if newproxy then
      local proxy = newproxy(true)
      getmetatable(proxy).__gc = body
      return proxy
    end
    return setmetatable({}, { __gc = body })
  end
]]

---Runs a script in an interpreter of its own.
---@param command? fun(line: string): string  makes another command of the one that runs it
function script.run(text, command)
  local prepared = child.lua_command(script.on_collection .. [[
    local copas = require("copas")
    local socket = require("copas.socket")
    copas.seterrorhandler(function(err) print("error", err) end, true)
    local function listen()
      local server = assert(socket.bind("127.0.0.1", 0))
      local _, port = server:getsockname()
      return server, port
    end
    local function pair()
      local server, port = listen()
      local client = assert(socket.connect("127.0.0.1", port))
      local accepted = assert(server:accept())
      server:close()
      return accepted, client
    end
  ]] .. text)
  return child.shell(command and command(prepared) or prepared)
end

---The same; it has to print what is expected, nothing else, and succeed.
function script.expect(expected, text, command)
  local result = script.run(text, command)
  assert.equal("", result.err)
  assert.equal(expected, result.out)
  assert.equal(0, result.code)
end

return script
