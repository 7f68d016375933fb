-- Makes garbage until the collector has gone around several times; the longest that making a little of it took, in
-- milliseconds of CPU time.
return function()
  local clock = os.clock
  local longest, cycles = 0, 0
  local function watch()
    setmetatable({}, { __gc = function() cycles = cycles + 1 end })
    if newproxy then getmetatable(newproxy(true)).__gc = function() cycles = cycles + 1 end end
  end
  local goal = 0
  while cycles < 4 do
    if cycles >= goal then
      watch()
      goal = cycles + 1
    end
    local start = clock()
    local kept
    for _ = 1, 20 do kept = { kept } end
    local took = clock() - start
    if took > longest then longest = took end
  end
  return longest * 1000
end
