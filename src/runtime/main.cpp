// The copas executable: a Lua state with the native modules in it, where copas.runtime does the rest.

#include <cstdio>
#include <cstdlib>

#include "lua/compat.hpp"
#include "lua/module.hpp"

namespace {

// run(words...): runs the runtime with the words of the command line, itself first.
int run(lua_State* L) {
  const int count = lua_gettop(L);
  luaL_openlibs(L);
  copas::lua::open_runtime(L);
  lua_createtable(L, count, 1);
  for (int each = 0; each < count; ++each) {
    lua_pushvalue(L, each + 1);
    lua_rawseti(L, -2, each);
  }
  lua_call(L, 1, 0);
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
