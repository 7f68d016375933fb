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

}  // namespace copas::lua
