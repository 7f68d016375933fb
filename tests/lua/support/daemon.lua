-- Servers of other projects as child processes. They end when they are stopped, or with the process that started them.
local child = require("support.child")
local socket = require("copas.socket")

local daemon = {}
daemon.__index = daemon

-- Runs a server until its own input ends. Its output goes where somebody waits for it.
local runner = [[
  %s >%s 2>&1 </dev/null &
  server=$!
  cat >/dev/null
  { kill -s %s $server; wait $server; } 2>/dev/null
]]

---A new folder for the files of a server.
function daemon.folder()
  local path = os.tmpname()
  os.remove(path)
  assert(child.shell("mkdir -m 755 " .. child.quote(path)).code == 0)
  return path
end

---Writes a file into a folder.
---@return string path
function daemon.write(folder, name, text)
  local path = folder .. "/" .. name
  local file = assert(io.open(path, "wb"))
  file:write(text)
  file:close()
  return path
end

---Starts a server; waits until it has printed that it is ready.
---@param folder string   where it has its files; `stop` removes it
---@param command string  for the shell, which replaces itself by it
---@param ready string    pattern of the line that says so
---@param signal string?  what ends it
---@return table? server  the lines until then are in `lines`
---@return string? output of a server that ended instead
function daemon.start(folder, command, ready, signal)
  local output = folder .. "/output"
  assert(child.shell("mkfifo " .. child.quote(output)).code == 0)
  local self = setmetatable({ folder = folder, lines = {} }, daemon)
  self.process = io.popen(runner:format(command, child.quote(output), signal or "TERM"), "w")
  self.output = assert(io.open(output, "r"))
  for line in self.output:lines() do
    self.lines[#self.lines + 1] = line
    if line:find(ready) then return self end
  end
  self:stop()
  return nil, table.concat(self.lines, "\n")
end

---Starts a server on a free port, another one if somebody takes that meanwhile.
---@param prepare fun(port: integer, folder: string): string, string, string?  what `start` gets after the folder
function daemon.start_on_free_port(prepare)
  local server, err
  for _ = 1, 3 do
    local probe = assert(socket.bind("127.0.0.1", 0))
    local _, port = probe:getsockname()
    probe:close()
    local folder = daemon.folder()
    server, err = daemon.start(folder, prepare(port, folder))
    if server then
      server.port = port
      return server
    end
  end
  error("the server does not start: " .. err)
end

function daemon:stop()
  self.process:close()
  self.output:close()
  child.shell("rm -r " .. child.quote(self.folder))
end

return daemon
