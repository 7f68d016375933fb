// The copas executable: a Lua state with the native modules in it, and lua/copas/runtime.lua, which does the rest.

#include <cstdio>
#include <cstdlib>

#include "lua/compat.hpp"
#include "lua/module.hpp"

namespace {

// run(words...): requires copas and runs the main chunk with it.
int run(lua_State* L) {
  const int count = lua_gettop(L);
  luaL_openlibs(L);
  copas::lua::preload_modules(L);

  copas::lua::push_chunk(L, "runtime");
  lua_getglobal(L, "require");
  lua_pushliteral(L, "copas");
  lua_call(L, 1, 1);
  lua_createtable(L, count, 0);
  for (int each = 1; each <= count; ++each) {
    lua_pushvalue(L, each);
    lua_rawseti(L, -2, each);
  }
  lua_call(L, 2, 0);
  return 0;
}

}  // namespace

int main(int count, char** words) {
  lua_State* const L = luaL_newstate();
  if (L == nullptr) {
    std::fputs("copas: not enough memory\n", stderr);
    return EXIT_FAILURE;
  }
  lua_pushcfunction(L, &run);
  luaL_checkstack(L, count, "too many arguments");
  for (int each = 0; each < count; ++each) lua_pushstring(L, words[each]);
  const bool failed = lua_pcall(L, count, 0, 0) != LUA_OK;
  if (failed) {
    std::fputs("copas: ", stderr);
    std::fputs(luaL_tolstring(L, -1, nullptr), stderr);
    std::fputs("\n", stderr);
  }
  lua_close(L);
  return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
