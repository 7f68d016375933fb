-- A page of the reference: what a file of annotations says, as Markdown, with the examples of its functions.
local annotations = require("reference.annotations")
local examples = require("reference.examples")

local page = {}

local function last_mandatory(parameters)
  for index = #parameters, 1, -1 do
    local each = parameters[index]
    if not each.optional and each.name ~= "..." then return index end
  end
  return 0
end

-- "(skt [, pattern [, prefix]])"
local function parameter_list(parameters)
  local text, open, mandatory = "", 0, last_mandatory(parameters)
  for index, each in ipairs(parameters) do
    local comma = index > 1 and ", " or ""
    if index > mandatory and each.optional then
      text = text .. (index > 1 and " " or "") .. "[" .. comma .. each.name
      open = open + 1
    else
      text = text .. comma .. each.name
    end
  end
  return "(" .. text .. ("]"):rep(open) .. ")"
end

-- What stands before the names of a class: how a program gets at it.
local function prefixes_of(subject, file)
  local prefixes = {}
  for variable, class in pairs(file.variables) do prefixes[class] = variable end
  if not file.module then return prefixes end
  if prefixes[file.module]:find("lib$") then prefixes[file.module] = subject end
  for _, declared in ipairs(file) do
    if declared.kind == "class" and declared.name == file.module then
      for _, field in ipairs(declared.fields) do
        if prefixes[field.type] then prefixes[field.type] = prefixes[file.module] .. "." .. field.name end
      end
    end
  end
  return prefixes
end

-- "`name` (`type`): text"
local function item(each)
  local type = ("`%s`"):format(each.type)
  if each.optional and each.type:sub(-1) ~= "?" then type = type .. ", optional" end
  local head = each.name and ("`%s` (%s)"):format(each.name, type) or type
  return head .. (each.text ~= "" and ": " .. each.text or "")
end

local function list(items, lead)
  local lines = {}
  for _, each in ipairs(items) do
    if not each.private then lines[#lines + 1] = "- " .. lead .. item(each) end
  end
  return table.concat(lines, "\n")
end

local writers = {}

function writers.intro(add, declared) add(declared.text) end

function writers.heading(add, declared) add("## " .. declared.text) end

function writers.type(add, declared)
  add(("## Type `%s`"):format(declared.name))
  add(declared.text)
  if declared.type ~= "" then add(("It is `%s`."):format(declared.type)) end
  local values = {}
  for _, option in ipairs(declared.options) do
    local value, text = option:match("^(%S+)%s*#?%s*(.*)")
    values[#values + 1] = { type = value, text = text }
  end
  add(list(values, ""))
end

function writers.class(add, declared, context)
  if declared.name ~= context.file.module then add(("## Class `%s`"):format(declared.name)) end
  add(declared.text)
  add(list(declared.fields, ""))
end

local function title(declared, context)
  return context.prefixes[declared.class] .. (declared.method and ":" or ".") .. declared.name
end

local function add_text(add, declared)
  add(declared.text)
  if declared.deprecated then add("Deprecated.") end
end

local function add_example(add, declared, context)
  local found = context.examples[examples.key(declared)]
  if not found then return end
  if found.shown then
    add(("Its example is that of `%s`."):format(found.shown))
  else
    found.shown = title(declared, context)
    add("```lua\n" .. found.text .. "```")
  end
end

writers["function"] = function(add, declared, context)
  add(("### `%s%s`"):format(title(declared, context), parameter_list(declared.parameters)))
  add_text(add, declared)
  add(list(declared.parameters, ""))
  add(list(declared.returns, "returns "))
  add_example(add, declared, context)
end

function writers.same(add, declared, context)
  local prefix = title(declared, context):sub(1, -#declared.name - 1)
  add(("### `%s%s`"):format(prefix, declared.name))
  add_text(add, declared)
  add(("The same function as `%s%s`."):format(prefix, declared.of))
  add_example(add, declared, context)
end

---@param root string    folder of the project, with a slash at its end
---@param subject string  what a file of lua/meta describes: see `annotations.subjects`
---@return string markdown
function page.render(root, subject)
  local file = annotations.read(root .. "lua/meta/" .. subject:gsub("%.", "/") .. ".lua")
  local context = { file = file, prefixes = prefixes_of(subject, file), examples = examples.by_function(root) }
  local paragraphs = {
    "<!-- Written by tools/reference/write, from lua/meta and examples/reference. -->",
    (file.module and "# Module `%s`" or "# `%s`"):format(subject),
  }
  local function add(text)
    if text ~= "" then paragraphs[#paragraphs + 1] = text end
  end
  local types = {}
  for _, declared in ipairs(file) do
    if declared.kind == "type" then
      types[#types + 1] = declared
    else
      writers[declared.kind](add, declared, context)
    end
  end
  for _, declared in ipairs(types) do writers.type(add, declared) end
  return table.concat(paragraphs, "\n\n") .. "\n"
end

---Where that page is.
function page.path(root, subject)
  return root .. "docs/reference/" .. subject .. ".md"
end

return page
