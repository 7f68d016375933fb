local files = require("reference.files")

local root = debug.getinfo(1, "S").source:match("^@(.*)tests/lua/documents_spec%.lua$")

-- The items of a list: text, and what follows its marker, the entries of tests.
local function items_of(list, marker)
  local items = {}
  for item in (list:gsub("\n  ", " ")):gmatch("\n%- ([^\n]*)") do
    items[#items + 1] = { text = item:match("^[^*]*%*%*.-%*%*"), tests = item:match("%*" .. marker .. ":%* (.*)") }
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

-- Whether a transcript has a scene of this title, in the script and in what it prints.
local function shown(script, title)
  local path = root .. "tests/lua/transcripts/" .. script
  return files.content(path .. ".lua"):find(('scene("%s"'):format(title), 1, true) ~= nil
    and ("\n" .. files.content(path .. ".txt")):find(("\n== %s\n"):format(title), 1, true) ~= nil
end

local function check_entries(item, is_there)
  assert.is_string(item.tests)
  local place
  for entry in item.tests:gmatch("[^;]+") do
    local named, name = entry:match("`([%w_/]+)`: (.*)")
    place = named or place
    name = name or entry:match("^ (.*)")
    assert.is_true(is_there(place, name), place .. ": " .. name)
  end
end

describe("each difference from Copas 4.11", function()
  local list = files.content(root .. "docs/from-copas-4.11.md"):match("\n## Different on purpose\n(.*)\n## Not there yet")
  for _, item in ipairs(items_of(list, "Tests")) do
    it("is tested: " .. item.text, function() check_entries(item, exists) end)
  end
end)

describe("a program in README.md", function()
  for path, program in files.content(root .. "README.md"):gmatch("\n`(examples/[%w_/.]+)`[^\n]*\n\n```%l+\n(.-)```") do
    it("is that of " .. path, function()
      assert.truthy(files.content(root .. path):find(program, 1, true))
    end)
  end
end)

-- The lines of a file, and those of them that are neither empty nor a comment.
local function count_lines(path)
  local all, of_code = 0, 0
  for line in io.lines(path) do
    all = all + 1
    if line:find("%S") and not line:find("^%s*//") then of_code = of_code + 1 end
  end
  return all, of_code
end

local function assert_near(expected, found)
  assert.is_true(math.abs(expected - found) <= expected / 10, ("%d, and not %d"):format(found, expected))
end

describe("the reading order", function()
  local page = files.content(root .. "docs/architecture.md")
  for step, header, lines, of_code in page:gmatch("\n| %d | ([^|]+) | `([%w_/.]+)`[^|]* | (%d+) | (%d+) |") do
    it("tells to a tenth how long a step is: " .. step, function()
      local all, code = 0, 0
      for _, path in ipairs { "include/copas/" .. header, "src/" .. header:gsub("%.hpp$", ".cpp") } do
        local file = io.open(root .. path)
        if file then
          file:close()
          local of_file, code_of_file = count_lines(root .. path)
          all, code = all + of_file, code + code_of_file
        end
      end

      assert_near(tonumber(lines), all)
      assert_near(tonumber(of_code), code)
    end)
  end
end)

describe("each rule of the scheduler", function()
  local list = files.content(root .. "tests/lua/transcripts/README.md"):match("\n## 2%.1.*")
  for _, item in ipairs(items_of(list, "Transcripts")) do
    it("is shown by a transcript: " .. item.text, function() check_entries(item, shown) end)
  end
end)
