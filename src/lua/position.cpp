#include "lua/position.hpp"

#include "lua/module.hpp"

namespace copas::lua {

void push_position(lua_State* L) {
  lua_Debug caller;
  for (int level = 1; lua_getstack(L, level, &caller) != 0 && lua_getinfo(L, "Sl", &caller) != 0; ++level) {
    if (caller.currentline <= 0 || is_chunk_of_module(caller.source)) continue;
    lua_pushfstring(L, "%s:%d: ", caller.short_src, caller.currentline);
    return;
  }
  luaL_where(L, 1);
}

bool called_by_module(lua_State* L) {
  lua_Debug caller;
  return lua_getstack(L, 1, &caller) != 0 && lua_getinfo(L, "S", &caller) != 0 && is_chunk_of_module(caller.source);
}

}  // namespace copas::lua
