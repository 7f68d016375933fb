-- A pcall that what it calls can wait in: in Lua 5.1, coxpcall's.
if _VERSION == "Lua 5.1" and not rawget(_G, "jit") then
  local found, coxpcall = pcall(require, "coxpcall")
  if found then return coxpcall.pcall end
end
return pcall
