#pragma once

#include <exception>
#include <string>

#include "copas/lua/error.hpp"
#include "lua/compat.hpp"

namespace copas::lua {

/// Makes an exception of the Lua error on top of the stack, and pops it. Needs the state's gate.
[[nodiscard]] error take_error(lua_State* L, std::string traceback = {});

/// The calls below the point where `coroutine` stands, as `error::traceback` gives them.
[[nodiscard]] std::string traceback_of(lua_State* L, lua_State* coroutine);

/// The Lua error inside an exception; null if it is another one. Alive as long as the exception.
[[nodiscard]] const error* lua_error_in(const std::exception_ptr& thrown) noexcept;

/// Pushes what Lua is told of an exception: the error that Lua raised, else its text.
void push_exception(lua_State* L, const std::exception_ptr& thrown);

}  // namespace copas::lua
