local annotations = require("reference.annotations")
local child = require("support.child")
local examples = require("reference.examples")
local files = require("reference.files")
local page = require("reference.page")

local root = debug.getinfo(1, "S").source:match("^@(.*)tests/lua/reference_spec%.lua$")

describe("the reference", function()
  local subjects = annotations.subjects(root .. "lua/meta")

  for _, subject in ipairs(subjects) do
    it("of " .. subject .. " is up to date (tools/reference/write writes it)", function()
      assert.equal(page.render(root, subject), files.content(page.path(root, subject)))
    end)

    it("of " .. subject .. " has an example for each function", function()
      local file = annotations.read(root .. "lua/meta/" .. subject:gsub("%.", "/") .. ".lua")
      local shown, lacking = examples.by_function(root), {}
      for _, declared in ipairs(file) do
        if declared.kind == "function" and not shown[examples.key(declared)] then
          lacking[#lacking + 1] = examples.key(declared)
        end
      end

      assert.same({}, lacking)
    end)
  end

  it("has an index of its pages", function()
    local index = files.content(root .. "docs/reference/README.md")

    for _, subject in ipairs(subjects) do assert.truthy(index:find("(" .. subject .. ".md)", 1, true)) end
  end)

  for _, example in ipairs(examples.all(root)) do
    it("tells what its example of " .. example.class .. " " .. table.concat(example.names, ", ") .. " prints", function()
      local result = child.shell(os.getenv("COPAS_LUA") .. " " .. child.quote(example.path))

      assert.equal("", result.err)
      assert.equal(example.output, examples.normalise(result.out))
    end)
  end

  it("has no example of what does not exist", function()
    local known = {}
    for _, subject in ipairs(subjects) do
      for _, declared in ipairs(annotations.read(root .. "lua/meta/" .. subject:gsub("%.", "/") .. ".lua")) do
        if declared.class then known[examples.key(declared)] = true end
      end
    end

    for name in pairs(examples.by_function(root)) do assert.is_true(known[name], name) end
  end)
end)
