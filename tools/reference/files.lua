local files = {}

---All of a file; raises an error if it cannot be read.
---@param path string
---@return string text
function files.content(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read("*a")
  file:close()
  return text
end

return files
