-- The subset of Lua that 5.1 to 5.4 and LuaJIT share.
std = "min"
max_line_length = 120
exclude_files = { "build", "out", "lua/meta", "tests/lua/manual" } -- the last: as the manual has them

-- What only some of them have, used where it is there.
read_globals = { "jit", "loadstring", "unpack", table = { fields = { "unpack" } } }
files["lua/copas/coroutines.lua"] = {
  globals = { coroutine = { fields = { "close", "create", "resume", "status", "wrap", "yield" } } },
}
files["lua/copas/runtime.lua"] = { globals = { "arg" } }

-- What a specification or an example may use beyond it.
files["tests/lua"] = {
  std = "max+busted",
  max_line_length = false, -- names are sentences
  ignore = { "231", "241", "311" }, -- values that are only to be kept alive, or dropped
  globals = { "copas" },
}
files["examples/lua"] = { globals = { "copas" } }
files["tests/compat"] = { std = "max", ignore = { "." } } -- as somebody would have written them for Copas
files["bench"] = { std = "max" }
