#pragma once

#include <system_error>

#include "lua/compat.hpp"
#include "lua/errors.hpp"

namespace copas::lua {

/// Pushes the 1 by which LuaSocket says that something succeeded.
inline int push_one(lua_State* L) {
  lua_pushinteger(L, 1);
  return 1;
}

/// Pushes that, or nil and the text of an error.
inline int push_outcome(lua_State* L, const std::error_code& error) {
  return error ? push_failure(L, error) : push_one(L);
}

}  // namespace copas::lua
