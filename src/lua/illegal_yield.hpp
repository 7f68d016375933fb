#pragma once

#include "lua/compat.hpp"

namespace copas::lua {

class state;

/// Raises Lua's error for a yield that a C function is in the way of, and names that.
[[noreturn]] void raise_illegal_yield(lua_State* L, const state& shared);

/// Does the same for Luas that raise the error themselves: adds the name to the error on top of the stack of `L`, if that
/// is Lua's own, of a coroutine that `failed`.
void explain_illegal_yield(lua_State* L, const state& shared, lua_State* failed);

}  // namespace copas::lua
