-- transcripts.lua WORLD SCRIPT...: runs scripts and compares what each prints with the text beside it, NAME.txt; in this
-- process, one after the other, with native sockets and with LuaSocket's. Prints TAP.
--
-- A script may say in its first lines where it makes sense: `-- worlds: real, virtual`, `-- sockets: native`,
-- `-- luas: 5.4`. Without that, it does everywhere.
local searchers = package.searchers or package.loaders
table.insert(searchers, 2, table.remove(searchers, 3)) -- C modules first: a pure-Lua copas may be installed

-- The module tells the time by LuaSocket's clock where that is loaded, which knows nothing of virtual time.
local luasocket = require("socket")
package.loaded["socket"] = nil
package.preload["socket"] = function() error("there is no LuaSocket here") end

local stage = require("support.stage")
local world = table.remove(arg, 1)

local function content_of(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read("*a")
  file:close()
  return text
end

-- Does the script's head permit to run it so?
local function wanted(script, what, value)
  local permitted = script:match("%-%- " .. what .. ": ([^\n]*)")
  return not permitted or permitted:find(value, 1, true) ~= nil
end

-- Runs a script; all that it prints, and at last its error if it ends with one.
local function transcript_of(script, name)
  local real_print, lines = print, {}
  rawset(_G, "print", function(...)
    local words = {}
    for index = 1, select("#", ...) do words[index] = tostring((select(index, ...))) end
    lines[#lines + 1] = table.concat(words, " ") .. "\n"
  end)
  local ok, err = xpcall(assert((loadstring or load)(script, "@" .. name)), debug.traceback)
  if not ok then print("The script failed: " .. tostring(err)) end
  rawset(_G, "print", real_print)
  return table.concat(lines)
end

local function lines_of(text)
  local lines = {}
  for line in text:gmatch("([^\n]*)\n") do lines[#lines + 1] = line end
  return lines
end

-- The texts side by side, as comments, where they begin to differ.
local function show_difference(expected, actual)
  expected, actual = lines_of(expected), lines_of(actual)
  local first = 1
  while expected[first] == actual[first] do first = first + 1 end
  print(("#      %-60s | %s"):format("EXPECTED", "PRINTED"))
  for index = math.max(first - 5, 1), math.min(first + 15, math.max(#expected, #actual)) do
    local mark = index == first and ">" or " "
    print(("#%s%4d %-60s | %s"):format(mark, index, expected[index] or "", actual[index] or ""))
  end
end

local ran, failed = 0, 0

local function run(name, script, sockets)
  io.write("# ", name, " with ", sockets, " sockets\n")
  io.flush() -- for the case that it hangs
  local expected, actual = content_of(name:gsub("%.lua$", ".txt")), transcript_of(script, name)
  collectgarbage()
  collectgarbage()
  ran = ran + 1
  if actual == expected then
    print(("ok %d - %s, %s"):format(ran, name, sockets))
  else
    failed = failed + 1
    print(("not ok %d - %s, %s"):format(ran, name, sockets))
    show_difference(expected, actual)
  end
end

local makes = { native = require("copas.socket"), luasocket = luasocket }

for _, path in ipairs(arg) do
  local name = path:gsub("^%./", "")
  local script = content_of(name)
  if wanted(script, "worlds", world) and wanted(script, "luas", _VERSION:match("%d.%d")) then
    for _, make in ipairs { "native", "luasocket" } do
      if wanted(script, "sockets", make) then
        stage.socket = makes[make]
        run(name, script, make)
      end
    end
  end
end

print(("1..%d"):format(ran))
os.exit(failed == 0 and 0 or 1, true) -- closes the state, so that leaks are told from what is only in use
