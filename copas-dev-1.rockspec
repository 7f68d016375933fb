-- For `luarocks make` in a clone: compiles the module for the Lua that LuaRocks works for, and installs it with the
-- script `copas`, which runs in that Lua.
rockspec_format = "3.0"
package = "copas"
version = "dev-1"
source = { url = "." } -- the clone
description = {
  summary = "Coroutine oriented portable asynchronous services",
  detailed = [[
    A scheduler of coroutines, with sockets and timers that wait for one coroutine only. A replacement for Copas 4.11
    whose engine is written in C++.]],
  license = "MIT",
}
supported_platforms = { "linux" }
dependencies = {
  "lua >= 5.1, < 5.5",
  "luasocket >= 3.0, < 4.0", -- for the modules that the native sockets do not replace: ltn12, mime, url
  "coxpcall >= 1.14", -- for waits inside pcall in Lua 5.1
}
build = {
  type = "cmake",
  variables = {
    CMAKE_INSTALL_PREFIX = "$(PREFIX)",
    CMAKE_UNITY_BUILD = "ON",
    CMAKE_UNITY_BUILD_BATCH_SIZE = "16",
    COPAS_EXAMPLES = "OFF",
    COPAS_LIBRARY = "OFF",
    COPAS_LUA_INCLUDE_DIR = "$(LUA_INCDIR)",
    COPAS_LUA_MODULE_DIR = "$(LIBDIR)",
    COPAS_RUNTIME_LUA = "none",
    COPAS_TESTS = "OFF",
  },
  install = { bin = { copas = "src/runtime/script.lua" } },
}
