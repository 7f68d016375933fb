#pragma once

#include "lua/compat.hpp"

namespace copas::lua {

/// Pushes "file:line: ", where the user's code is that called the module; where the module's own is if there is none, as
/// in a thread that is a function of the module.
void push_position(lua_State* L);

/// Is it Lua code of the module that has called the running function?
[[nodiscard]] bool called_by_module(lua_State* L);

}  // namespace copas::lua
