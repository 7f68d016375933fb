#include "lua/tables.hpp"

namespace copas::lua {
namespace {

const char userdata_key = 0;  // in the registry: the userdata that have a table, by their keys, weakly

}  // namespace

void push_weak_table(lua_State* L, const char* mode) {
  lua_newtable(L);
  lua_createtable(L, 0, 1);
  lua_pushstring(L, mode);
  lua_setfield(L, -2, "__mode");
  lua_setmetatable(L, -2);
}

void add_own_table(lua_State* L, int index, const void* key) {
  index = lua_absindex(L, index);
  lua_rawgetp(L, LUA_REGISTRYINDEX, &userdata_key);
  if (!lua_istable(L, -1)) {
    lua_pop(L, 1);
    push_weak_table(L, "v");
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &userdata_key);
  }
  lua_rawgetp(L, -1, key);
  if (lua_rawequal(L, -1, index) == 0) {
    lua_newtable(L);
    lua_setuservalue(L, index);
    lua_pushvalue(L, index);
    lua_rawsetp(L, -3, key);
  }
  lua_pop(L, 2);
}

bool push_own_table(lua_State* L, const void* key) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &userdata_key);
  if (!lua_istable(L, -1)) {
    lua_pop(L, 1);
    return false;
  }
  lua_rawgetp(L, -1, key);
  lua_remove(L, -2);
  const bool alive = lua_isuserdata(L, -1);
  if (alive) lua_getuservalue(L, -1);
  lua_remove(L, alive ? -2 : -1);
  return alive;
}

}  // namespace copas::lua
