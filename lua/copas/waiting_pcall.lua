-- A pcall that what it calls can wait in: in Lua 5.1, that of coxpcall, but for the traceback that it adds to errors.
if _VERSION == "Lua 5.1" and not rawget(_G, "jit") then
  local found, coxpcall = pcall(require, "coxpcall")
  if found then
    local running, plain = coroutine.running, pcall
    local function without_traceback(_, err) return err end
    return function(f, ...)
      if not running() then return plain(f, ...) end
      return coxpcall.xpcall(f, without_traceback, ...)
    end
  end
end
return pcall
