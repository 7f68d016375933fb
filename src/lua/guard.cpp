#include "lua/guard.hpp"

#include <cstdio>
#include <new>

#include "lua/position.hpp"

namespace copas::lua {

void keep(exception_text& text, const std::exception& thrown) noexcept {
  const bool lacks_memory = dynamic_cast<const std::bad_alloc*>(&thrown) != nullptr;
  std::snprintf(text, sizeof text, "%s", lacks_memory ? "not enough memory" : thrown.what());
}

void raise_at_caller(lua_State* L, const char* text) {
  luaL_error(L, "%s", text);
  std::terminate();  // luaL_error does not return
}

void raise(lua_State* L, const char* text) {
  lua_pushstring(L, text);
  lua_error(L);
  std::terminate();  // lua_error does not return
}

void refuse_argument(lua_State* L, int index, const char* why) {
  if (called_by_module(L)) {  // by a function of the same arguments, whose name is another one
    push_position(L);
    lua_pushfstring(L, "%sbad argument #%d (%s)", lua_tostring(L, -1), index, why);
    lua_error(L);
  }
  luaL_argerror(L, index, why);
  std::terminate();  // luaL_argerror does not return
}

}  // namespace copas::lua
