#include "lua/anchors.hpp"

namespace copas::lua {

void anchors::make(lua_State* L) {
  lua_State* const shelf = lua_newthread(L);
  lua_newtable(L);
  lua_xmove(L, shelf, 1);
  lua_setfield(L, -2, "anchors");
  shelf_ = shelf;
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
  lua_pushvalue(shelf_, table);
  lua_xmove(shelf_, L, 1);  // where a lack of memory can be an error
  for (int each = 0; each < field_count; ++each) {
    lua_pushboolean(L, 0);
    lua_rawseti(L, -2, at + each);
  }
  lua_pop(L, 1);
  next_ += field_count;
  return at;
}

void anchors::release(index at, extent used) {
  for (int each = 0; each < used; ++each) {
    lua_pushboolean(shelf_, 0);
    lua_rawseti(shelf_, table, at + each);
  }
  free_.push_back(at);
}

void anchors::set(lua_State* L, index at, field which, int value) {
  lua_pushvalue(L, value);
  lua_xmove(L, shelf_, 1);
  lua_rawseti(shelf_, table, at + which);
}

void anchors::set(lua_State* coroutine, index at, field which) {
  lua_pushthread(coroutine);
  lua_xmove(coroutine, shelf_, 1);
  lua_rawseti(shelf_, table, at + which);
}

void anchors::clear(index at, field which) {
  lua_pushboolean(shelf_, 0);
  lua_rawseti(shelf_, table, at + which);
}

void anchors::push(lua_State* L, index at, field which) const {
  lua_rawgeti(shelf_, table, at + which);
  lua_xmove(shelf_, L, 1);
}

}  // namespace copas::lua
