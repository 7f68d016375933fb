-- Child processes: other interpreters of this Lua, the runtime, and whatever else the shell knows.
local files = require("reference.files")

local child = {}

local function quote(word)
  return "'" .. tostring(word):gsub("'", "'\\''") .. "'"
end
child.quote = quote

---Writes a file that `child.cleanup` removes.
---@return string path
local written = {}
function child.file(text)
  local path = os.tmpname()
  local file = assert(io.open(path, "wb"))
  file:write(text)
  file:close()
  written[#written + 1] = path
  return path
end

function child.cleanup()
  for _, path in ipairs(written) do os.remove(path) end
  written = {}
end

---Runs a shell command.
---@param command string
---@param input string?  what it reads
---@return { out: string, err: string, code: integer }  the code is 128 and the number of a signal that ended it
function child.shell(command, input)
  local out, err = os.tmpname(), os.tmpname()
  local from = input and child.file(input) or "/dev/null"
  local pipe = assert(io.popen(("( %s ) <%s >%s 2>%s; echo $?"):format(command, from, out, err)))
  local code = tonumber(pipe:read("*l"))
  pipe:close()
  local result = { out = files.content(out), err = files.content(err), code = code }
  os.remove(out)
  os.remove(err)
  return result
end

local function words(...)
  local quoted = {}
  for index = 1, select("#", ...) do quoted[index] = quote((select(index, ...))) end
  return table.concat(quoted, " ")
end

---The command that runs a script under this Lua.
function child.lua_command(script, ...)
  return ("%s %s %s"):format(os.getenv("COPAS_LUA"), quote(child.file(script)), words(...))
end

---Runs a script under this Lua, with the module in its path.
function child.lua(script, ...)
  return child.shell(child.lua_command(script, ...))
end

---The command that runs the runtime.
function child.runtime_command(...)
  return ("%s %s"):format(quote(os.getenv("COPAS_RUNTIME")), words(...))
end

---Runs the runtime.
function child.runtime(...)
  return child.shell(child.runtime_command(...))
end

---Is there a command of this name?
function child.has(command)
  return child.shell("command -v " .. command).code == 0
end

---Are the programs built with a sanitizer? They need more of everything then, and valgrind does not run them.
function child.is_sanitized()
  return os.getenv("COPAS_LUA"):find("asan", 1, true) ~= nil
end

return child
