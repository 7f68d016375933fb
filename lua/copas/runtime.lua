-- The copas runtime: runs chunks, modules and a script in one thread of the scheduler. Called with the module and the
-- words of the command line as Lua has them in `arg`: the runtime at 0, what comes before it at negative indexes.
local copas, words = ...
local unpack = table.unpack or unpack

local internal = getmetatable(copas).internal
_G.copas = copas
internal.load("waiting_require")

-- Where there is no LuaSec, TLS of ours answers to its names.
local loaders = rawget(package, "searchers") or rawget(package, "loaders")
local luasec = {
  ssl = function() return require("copas.tls") end,
  ["ssl.config"] = function() return require("copas.tls").config end,
  ["ssl.x509"] = function() return { load = require("copas.tls").loadcertificate } end,
  ["ssl.https"] = function() return internal.load("https", require("copas.tls")) end,
}
table.insert(loaders, function(name)
  return luasec[name] or ("%sno module '%s' in the runtime"):format(_VERSION == "Lua 5.4" and "" or "\n\t", name)
end)

local usage = [[
usage: copas [options]... [script [args]...].
Available options are:
  -e chunk  execute string 'chunk'
  -l name   require library 'name'
  -v        show version information
  --        stop handling options
  -         stop handling options and execute stdin]]

-- The table `arg` for a script that is word number `script`; 0 is the runtime, for what is no script.
local function arguments_for(script)
  local arguments = {}
  for index, word in pairs(words) do arguments[index - script] = word end
  return arguments
end

-- The results of a load, whose errors have positions of their own.
local function loaded(chunk, err)
  if not chunk then error(err, 0) end
  return chunk
end

local function run_chunk(text)
  loaded((loadstring or load)(text, "command line"))()
end

local function run_stdin()
  loaded(loadfile())()
end

local function run_script(index)
  arg = arguments_for(index)
  loaded(loadfile(words[index]))(unpack(words, index + 1))
end

local function show_version()
  print(copas._VERSION, copas._COPYRIGHT)
  print(copas._DESCRIPTION)
  print("Lua VM:", _VERSION)
end

local options = {}

-- Each takes the index of the option and returns that of the next word.
options["-e"] = function(index)
  run_chunk(assert(words[index + 1], "'-e' needs argument"))
  return index + 2
end

options["-l"] = function(index)
  require(assert(words[index + 1], "'-l' needs argument"))
  return index + 2
end

options["-v"] = function(index)
  show_version()
  return index + 1
end

local function main()
  if #words == 0 then return run_stdin() end
  local index = 1
  while index <= #words do
    local word = words[index]
    if word == "-" then return run_stdin() end
    if word == "--" then
      if index < #words then run_script(index + 1) end
      return
    end
    if word:sub(1, 1) ~= "-" then return run_script(index) end
    if not options[word] then
      print(usage)
      os.exit(1)
    end
    index = options[word](index)
  end
end

arg = arguments_for(0)
internal.native.handle_signals()
copas.loop(function()
  internal.script = internal.native.let_step() -- it may call copas.loop as well
  copas.seterrorhandler(function(err, co, skt)
    io.stderr:write(copas.gettraceback(err, co, skt), "\n")
    os.exit(1)
  end)
  main()
end)
