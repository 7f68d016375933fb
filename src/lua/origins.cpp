#include "lua/origins.hpp"

#include "lua/module.hpp"
#include "lua/tables.hpp"

namespace copas::lua {

void origins::make(lua_State* L, lua_State* shelf) {
  shelf_ = shelf;
  functions_ = lua_gettop(shelf) + 1;
  push_weak_table(L, "v");
  for (int each = 1; each <= remembered; ++each) {  // so that setting one allocates nothing
    lua_pushboolean(L, 0);
    lua_rawseti(L, -2, each);
  }
  lua_xmove(L, shelf_, 1);
}

thread_origin& origins::named(std::string_view text) {
  auto found = known_.find(text);
  if (found == known_.end()) {
    found = known_.emplace(text, thread_origin{}).first;
    found->second.text = found->first;
  }
  return found->second;
}

thread_origin& origins::caller(lua_State* L, int level) {
  for (;; ++level) {
    lua_Debug where;
    if (lua_getstack(L, level, &where) == 0 || lua_getinfo(L, "fl", &where) == 0) return named("");
    const int line = where.currentline;
    const int slot = line > 0 ? line % remembered + 1 : 1;
    position& last = positions_[static_cast<std::size_t>(slot - 1)];
    lua_rawgeti(shelf_, functions_, slot);
    const bool same = last.line == line && lua_topointer(shelf_, -1) == lua_topointer(L, -1);
    lua_pop(shelf_, 1);
    if (!same) {
      if (line <= 0 || lua_getinfo(L, "S", &where) == 0 || is_chunk_of_module(where.source)) {
        lua_pop(L, 1);
        continue;
      }
      last = {.line = line, .known = &named(std::string{where.short_src} + ":" + std::to_string(line))};
      lua_pushvalue(L, -1);
      lua_xmove(L, shelf_, 1);
      lua_rawseti(shelf_, functions_, slot);
    }
    lua_pop(L, 1);
    return *last.known;
  }
}

}  // namespace copas::lua
