-- What the programs in Lua share: clocks, memory, and the lines they print.
local figures = {}

---CPU time that this process has used, in microseconds.
function figures.cpu_time()
  return os.clock() * 1e6
end

---Resident memory of this process, in bytes.
function figures.memory()
  local file = assert(io.open("/proc/self/statm"))
  local pages = file:read("*a"):match("^%d+ (%d+)")
  file:close()
  return tonumber(pages) * 4096
end

---One line of the program's output.
function figures.print(name, value, unit)
  print(("%s %.6g %s"):format(name, value, unit))
  io.flush()
end

---The number that the program was called with.
function figures.argument(otherwise)
  return tonumber(arg[1]) or otherwise
end

---Numbers from 0 to 1, spread evenly and in no order: the same in all programs.
function figures.spread(number)
  return number * 0.6180339887498949 % 1
end

---Collects all garbage, so that what is measured next does not pay for what was before.
function figures.settle()
  collectgarbage()
  collectgarbage()
end

return figures
