-- The programs of docs/tls.md in Lua, as they stand there.
local certificates = require("support.certificates")
local child = require("support.child")
local files = require("reference.files")

local root = debug.getinfo(1, "S").source:match("^@(.*)tests/lua/tls_document_spec%.lua$")

describe("docs/tls.md", function()
  local made, programs

  setup(function()
    made = certificates.new()
    made:sign("server", "localhost")
    programs = {}
    for block in files.content(root .. "docs/tls.md"):gmatch("```lua\n(.-)```") do
      if block:find('^local copas = require%("copas"%)') then programs[#programs + 1] = block end
    end
  end)
  teardown(function() made:remove() end)
  after_each(child.cleanup)

  -- In the folder of the certificates, with waits inside pcall also where the Lua has none.
  local function command(program, argument)
    if _VERSION == "Lua 5.1" then program = 'local pcall = require("coxpcall").pcall\n' .. program end
    return ("cd %s && SSL_CERT_FILE=%s exec %s"):format(child.quote(made.folder), made:file("trusted.pem"),
      child.lua_command(program, argument))
  end

  local function trust(name)
    child.shell(("cp %s %s"):format(made:file(name), made:file("trusted.pem")))
  end

  it("has a client and a server, which verify", function()
    assert.equal(2, #programs)
    local client, server = programs[1], programs[2]
    local pipe = assert(io.popen(("{ %s; } & echo $!; wait"):format(command(server, 0))))
    local process = pipe:read("*l")
    local port = pipe:read("*l"):match("^listening on port (%d+)$")

    trust("ca.pem")
    local trusting = child.shell(command(client, port))
    trust("server.key") -- which makes nobody trusted
    local distrusting = child.shell(command(client, port))
    child.shell("kill " .. process)
    pipe:close()

    assert.equal("welcome over TLSv1.3\n", trusting.out:gsub("\tnil", ""), trusting.err)
    assert.is_truthy(distrusting.out:find("^no connection: .*certificate verify failed"), distrusting.out)
  end)
end)
