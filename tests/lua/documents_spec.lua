local files = require("reference.files")

local root = debug.getinfo(1, "S").source:match("^@(.*)tests/lua/documents_spec%.lua$")

-- The items of the list of differences: text, and what follows "*Tests:*".
local function differences()
  local items = {}
  local text = files.content(root .. "docs/from-copas-4.11.md"):match("\n## Different on purpose\n(.*)\n## Not there yet")
  for item in (text:gsub("\n  ", " ")):gmatch("\n%- ([^\n]*)") do
    items[#items + 1] = { text = item, tests = item:match("%*Tests:%* (.*)") }
  end
  return items
end

-- Whether a test of this name is in a specification, or in a suite of C++ tests.
local function exists(place, name)
  local layer, suite = place:match("^(%l+)/(%u%a*)$")
  if not layer then
    local spec = files.content(root .. "tests/lua/" .. place .. ".lua")
    return spec:find(('it("%s"'):format(name), 1, true) ~= nil
  end
  local command = ("grep -rqE '^TEST(_F|_P)?\\(%s, %s\\)' '%stests/cpp/%s'"):format(suite, name, root, layer)
  local result = os.execute(command)
  return result == true or result == 0
end

describe("each difference from Copas 4.11", function()
  for _, item in ipairs(differences()) do
    it("is tested: " .. item.text:match("^[^*]*%*%*.-%*%*"), function()
      assert.is_string(item.tests)
      local place
      for entry in item.tests:gmatch("[^;]+") do
        local named, name = entry:match("`([%w_/]+)`: (.*)")
        place = named or place
        name = name or entry:match("^ (.*)")
        assert.is_true(exists(place, name), place .. ": " .. name)
      end
    end)
  end
end)
