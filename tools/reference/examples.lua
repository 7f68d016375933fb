-- The examples of the reference: programs in examples/reference, in a folder for each class (named without the "lib" at
-- its end), called after the functions that they show, with "-" between several. What a program prints stands behind
-- "-->" in it, line by line, with two blanks for a tab.
local files = require("reference.files")

local examples = {}

---@param root string  folder of the project, with a slash at its end
---@return table[] examples  { path, class, names, text, output } in order
function examples.all(root)
  local found = {}
  local list = assert(io.popen("cd '" .. root .. "examples/reference' && find * -name '*.lua' | sort"))
  for path in list:lines() do
    local class, stem = path:match("^(.+)/(.+)%.lua$")
    local example = { path = root .. "examples/reference/" .. path, class = class, names = {}, output = "" }
    for name in stem:gmatch("[^-]+") do example.names[#example.names + 1] = name end
    example.text = files.content(example.path)
    for line in example.text:gmatch("%-%-> ?([^\n]*)") do example.output = example.output .. line .. "\n" end
    found[#found + 1] = example
  end
  list:close()
  return found
end

---What a program printed, in the form of `output`.
function examples.normalise(printed)
  return (printed:gsub("\t", "  "):gsub(" +\n", "\n"))
end

---What a declaration of a function is called in `by_function`.
function examples.key(declared)
  return declared.class:gsub("lib$", "") .. "/" .. declared.name
end

---@return table<string, table> examples  by "CLASS/FUNCTION"
function examples.by_function(root)
  local by_function = {}
  for _, example in ipairs(examples.all(root)) do
    for _, name in ipairs(example.names) do by_function[example.class .. "/" .. name] = example end
  end
  return by_function
end

return examples
