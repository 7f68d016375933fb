-- Reads a file of lua/meta: what it declares and says, in its order, as tables.
--
--   { kind = "intro", text }                                         the comment after ---@meta
--   { kind = "heading", text }                                       a comment of one line that is no sentence
--   { kind = "type", name, type, text, options = { text... } }       ---@alias
--   { kind = "class", name, text, fields = { { name, private, optional, type, text }... } }
--   { kind = "function", class, name, method, text, deprecated, parameters = { { name, optional, type, text }... },
--     returns = { { type, name, text }... } }
--   { kind = "same", class, name, of, text, deprecated }             a second name of a function
--
-- Texts are Markdown, with the line breaks of the file. Types end at two blanks, or one outside of brackets.
local annotations = {}

-- Splits off the type at the beginning of a text.
local function split_type(text)
  local depth, quoted, previous = 0, false, ""
  for position = 1, #text do
    local character = text:sub(position, position)
    if character == '"' then quoted = not quoted end
    if not quoted then
      if character:find("[%(%[{<]") then depth = depth + 1 end
      if character:find("[%)%]}>]") then depth = depth - 1 end
      if character == " " and depth == 0 and previous ~= ":" then
        return text:sub(1, position - 1), text:sub(position + 1)
      end
    end
    previous = character
  end
  return text, ""
end

local function trim(text) return (text:match("^%s*(.-)%s*$")) end

-- NAME[?] TYPE  TEXT
local function parse_variable(text)
  local name, mark, rest = text:match("^([%w_.]+)(%??)%s+(.*)")
  local type, said = split_type(rest)
  return { name = name, optional = mark == "?" or type:sub(-1) == "?", type = type, text = trim(said) }
end

local tags = {}

function tags.class(block, rest) block.class = rest:match("^[%w_.]+") end

function tags.field(block, rest)
  local access, public = rest:match("^(%l+) ([%w_]+%?? .*)")
  local is_private = access == "private"
  local field = parse_variable(is_private and public or rest)
  field.private = is_private
  block.fields[#block.fields + 1] = field
end

function tags.param(block, rest) block.parameters[#block.parameters + 1] = parse_variable(rest) end

tags["return"] = function(block, rest)
  local type, said = split_type(rest)
  local name, text = said:match("^([%w_.]+)%s%s+(.*)")
  if said:find("^[%w_.]+$") then name, text = said, "" end
  block.returns[#block.returns + 1] = { type = type, name = name, text = trim(text or said) }
end

function tags.alias(block, rest)
  local name, type = rest:match("^([%w_.]+)%s*(.*)")
  block.alias = { kind = "type", name = name, type = type }
end

function tags.deprecated(block) block.deprecated = true end

local function new_block()
  return { lines = {}, fields = {}, parameters = {}, returns = {}, options = {} }
end

local function add_doc_line(block, text)
  local tag, rest = text:match("^@(%a+)%s*(.*)")
  if tag then
    if tags[tag] then tags[tag](block, rest) end
  elseif text:sub(1, 1) == "|" then
    block.options[#block.options + 1] = trim(text:sub(2))
  else
    block.lines[#block.lines + 1] = text
  end
end

-- The declarations, each by the line of code that ends its block.
local declarations = {}

declarations["^function ([%w_]+)([.:])([%w_]+)%((.-)%)"] = function(file, block, variable, separator, name)
  return {
    kind = "function", class = file.variables[variable], name = name, method = separator == ":",
    deprecated = block.deprecated, parameters = block.parameters, returns = block.returns,
  }
end

declarations["^([%w_]+)%.([%w_]+) = [%w_]+%.([%w_]+)$"] = function(file, block, variable, name, of)
  return { kind = "same", class = file.variables[variable], name = name, of = of, deprecated = block.deprecated }
end

local function declaration_of(file, block, line)
  for pattern, declare in pairs(declarations) do
    local function declared(...) return (...) and declare(file, block, ...) end
    local found = declared(line:match(pattern))
    if found then return found end
  end
  if block.class then return { kind = "class", name = block.class, fields = block.fields } end
  if block.alias then
    block.alias.options = block.options
    return block.alias
  end
end

local function end_block(file, line)
  local found = declaration_of(file, file.block, line)
  if found then
    found.text = table.concat(file.block.lines, "\n")
    file[#file + 1] = found
  end
  local variable = line:match("^local ([%w_]+) = {}")
  if variable then file.variables[variable] = file.block.class end
  file.block = new_block()
end

local function add_comment(file, text)
  local intro = file[1]
  if not intro then
    file[1] = { kind = "intro", text = text }
  elseif #file == 1 then
    intro.text = intro.text .. "\n" .. text
  elseif not text:find("%.$") then
    file[#file + 1] = { kind = "heading", text = text }
  end
end

---@param path string
---@return table file  its declarations in order; `module` is the class that the module is of, if it describes one;
---  `variables` are the classes by the names that the file gives them
function annotations.read(path)
  local file = { block = new_block(), variables = {} }
  for line in io.lines(path) do
    if line:sub(1, 3) == "---" then
      add_doc_line(file.block, line:sub(4))
    else
      end_block(file, line)
      local comment, returned = line:match("^%-%- ?(.*)"), line:match("^return ([%w_]+)")
      if comment then add_comment(file, comment) end
      if returned then file.module = file.variables[returned] end
    end
  end
  return file
end

---What the files of a folder describe: modules, and classes that no module returns.
---@param folder string
---@return string[] names  in order
function annotations.subjects(folder)
  local names = {}
  local list = assert(io.popen("cd '" .. folder .. "' && find * -name '*.lua' | sort"))
  for path in list:lines() do names[#names + 1] = path:gsub("%.lua$", ""):gsub("/", ".") end
  list:close()
  return names
end

return annotations
