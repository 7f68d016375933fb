#pragma once

#include <exception>

#include "lua/compat.hpp"

namespace copas::lua {

/// Keeps the text of an exception for after its end, in memory that needs no destructor.
class exception_text {
 public:
  exception_text() noexcept {}  // NOLINT: every call of a C function has one, and hardly any fills it
  void keep(const std::exception& thrown) noexcept;
  /// Raises it as a Lua error, with the position of the caller. Nothing that owns something may be alive.
  [[noreturn]] void raise(lua_State* L) const;

 private:
  char text_[256];
};

/// Raises an error with this text and no position.
[[noreturn]] void raise(lua_State* L, const char* text);

/// luaL_argerror, as a function that says it does not return.
[[noreturn]] void refuse_argument(lua_State* L, int index, const char* why);

/// Turns a C++ function that may throw into a lua_CFunction.
///
/// Our own exceptions are caught by type: LuaJIT's errors are foreign exceptions, which must pass, and those of PUC Lua
/// are jumps.
template <int (*Function)(lua_State*)>
int guarded(lua_State* L) {
  exception_text message;
  try {
    return Function(L);
  } catch (const std::exception& thrown) {
    message.keep(thrown);
  }
  message.raise(L);
}

}  // namespace copas::lua
