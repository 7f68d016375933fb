-- A pcall that what it calls can wait in. Lua 5.1 has none.
return _VERSION == "Lua 5.1" and not jit and require("coxpcall").pcall or pcall
