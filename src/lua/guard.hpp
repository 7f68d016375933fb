#pragma once

#include <exception>

#include "lua/compat.hpp"

namespace copas::lua {

/// Where the text of an exception outlives it, in memory that needs no destructor.
using exception_text = char[256];

/// Keeps what an exception says.
void keep(exception_text& text, const std::exception& thrown) noexcept;

/// Raises an error with this text and the position of the caller. Nothing that owns something may be alive.
[[noreturn]] void raise_at_caller(lua_State* L, const char* text);

/// Raises an error with this text and no position.
[[noreturn]] void raise(lua_State* L, const char* text);

/// luaL_argerror, as a function that says it does not return; the position is that of code of the user's.
[[noreturn]] void refuse_argument(lua_State* L, int index, const char* why);

/// Turns a C++ function that may throw into a lua_CFunction.
///
/// Our own exceptions are caught by type: LuaJIT's errors are foreign exceptions, which must pass, and those of PUC Lua
/// are jumps.
template <int (*Function)(lua_State*)>
int guarded(lua_State* L) {
  exception_text message;  // not cleared: every call has one, and hardly any fills it
  try {
    return Function(L);
  } catch (const std::exception& thrown) {
    keep(message, thrown);
  }
  raise_at_caller(L, message);
}

}  // namespace copas::lua
