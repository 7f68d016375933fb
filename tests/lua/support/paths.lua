-- Paths of what a test makes itself: Unix sockets, folders.
local paths = {}

local given = {}

---A path where nothing is; `paths.remove` removes what is there then.
function paths.new()
  local path = os.tmpname()
  os.remove(path)
  given[#given + 1] = path
  return path
end

function paths.remove()
  for _, path in ipairs(given) do os.remove(path) end
  given = {}
end

return paths
