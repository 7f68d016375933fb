#include "lua/anchors.hpp"

namespace copas::lua {

anchors::anchors(lua_State* L) {
  lua_newtable(L);
  table_ = luaL_ref(L, LUA_REGISTRYINDEX);
}

anchors::index anchors::reserve(lua_State* L) {
  const bool reuse = !free_.empty();
  const index at = reuse ? free_.back() : next_;
  if (reuse) {
    free_.pop_back();
    return at;
  }
  const auto count = static_cast<std::size_t>(next_ / field_count);
  if (free_.capacity() <= count) free_.reserve(2 * count + 16);  // so that release cannot fail
  push_table(L);
  for (int each = 0; each < field_count; ++each) {
    lua_pushboolean(L, 0);
    lua_rawseti(L, -2, at + each);
  }
  lua_pop(L, 1);
  next_ += field_count;
  return at;
}

void anchors::release(lua_State* L, index at, extent used) {
  push_table(L);
  for (int each = 0; each < used; ++each) {
    lua_pushboolean(L, 0);
    lua_rawseti(L, -2, at + each);
  }
  lua_pop(L, 1);
  free_.push_back(at);
}

void anchors::set(lua_State* L, index at, field which, int value) {
  lua_pushvalue(L, value);
  push_table(L);
  lua_insert(L, -2);
  lua_rawseti(L, -2, at + which);
  lua_pop(L, 1);
}

void anchors::clear(lua_State* L, index at, field which) {
  push_table(L);
  lua_pushboolean(L, 0);
  lua_rawseti(L, -2, at + which);
  lua_pop(L, 1);
}

void anchors::push(lua_State* L, index at, field which) const {
  push_table(L);
  lua_rawgeti(L, -1, at + which);
  lua_remove(L, -2);
}

}  // namespace copas::lua
