#include "lua/anchors.hpp"

#include <new>

namespace copas::lua {
namespace {

constexpr int added_at_once = 32;

}  // namespace

void anchors::make(lua_State* L) {
  lua_State* const shelf = lua_newthread(L);
  lua_newtable(L);
  lua_State* const filler = lua_newthread(L);
  lua_xmove(L, shelf, 2);
  lua_pushcfunction(L, &fill);  // allocates in 5.1 and LuaJIT
  lua_xmove(L, filler, 1);
  lua_setfield(L, -2, "anchors");
  shelf_ = shelf;
  filler_ = filler;
}

// fill(table, first): makes places from there on.
int anchors::fill(lua_State* L) {
  const auto first = static_cast<index>(lua_tointeger(L, 2));
  for (index each = first; each < first + added_at_once; ++each) {
    lua_pushboolean(L, 0);
    lua_rawseti(L, 1, each);
  }
  return 0;
}

void anchors::add_places() {
  const auto wanted = static_cast<std::size_t>(last_) + added_at_once;
  if (free_.capacity() < wanted) free_.reserve(2 * wanted);
  lua_pushvalue(filler_, 1);
  lua_pushvalue(shelf_, table);
  lua_xmove(shelf_, filler_, 1);
  lua_pushinteger(filler_, last_ + 1);
  if (lua_pcall(filler_, 2, 0, 0) != LUA_OK) {
    lua_pop(filler_, 1);
    throw std::bad_alloc{};
  }
  for (index each = last_ + added_at_once; each > last_; --each) free_.push_back(each);
  last_ += added_at_once;
}

anchors::index anchors::reserve() {
  if (free_.empty()) [[unlikely]]
    add_places();
  const index taken = free_.back();
  free_.pop_back();
  return taken;
}

void anchors::release(index place) noexcept {
  clear(place);
  free_.push_back(place);
}

void anchors::set(lua_State* L, index place, int value) {
  lua_pushvalue(L, value);
  lua_xmove(L, shelf_, 1);
  lua_rawseti(shelf_, table, place);
}

void anchors::set(lua_State* coroutine, index place) {
  lua_pushthread(coroutine);
  lua_xmove(coroutine, shelf_, 1);
  lua_rawseti(shelf_, table, place);
}

void anchors::clear(index place) noexcept {
  lua_pushboolean(shelf_, 0);
  lua_rawseti(shelf_, table, place);
}

void anchors::push(lua_State* L, index place) const {
  lua_rawgeti(shelf_, table, place);
  lua_xmove(shelf_, L, 1);
}

}  // namespace copas::lua
