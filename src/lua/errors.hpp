#pragma once

#include <system_error>

#include "lua/compat.hpp"

namespace copas::lua {

/// Pushes the text of an error, in LuaSocket's words.
void push_error(lua_State* L, const std::error_code& error);

/// Pushes nil and the text of an error, and returns how many values that are.
int push_failure(lua_State* L, const std::error_code& error);

}  // namespace copas::lua
