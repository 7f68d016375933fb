#include "lua/guard.hpp"

#include <cstdio>

namespace copas::lua {

void exception_text::keep(const std::exception& thrown) noexcept {
  std::snprintf(text_, sizeof text_, "%s", thrown.what());
}

void exception_text::raise(lua_State* L) const {
  luaL_error(L, "%s", text_);
  std::terminate();  // luaL_error does not return
}

void raise(lua_State* L, const char* text) {
  lua_pushstring(L, text);
  lua_error(L);
  std::terminate();  // lua_error does not return
}

void refuse_argument(lua_State* L, int index, const char* why) {
  luaL_argerror(L, index, why);
  std::terminate();  // luaL_argerror does not return
}

}  // namespace copas::lua
