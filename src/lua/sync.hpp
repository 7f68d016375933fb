#pragma once

#include <chrono>

#include "copas/core/result.hpp"
#include "lua/compat.hpp"

namespace copas::lua {

/// How long a method of a lock or the like, which has to wait, may do so: argument `index`, in seconds; if there is none,
/// the field `timeout` of the object, which is at index 1. Raises an error if that is no number of 0 or more.
///
/// @return  zero: not at all; `unlimited` for infinity.
[[nodiscard]] std::chrono::nanoseconds check_patience(lua_State* L, int index);

/// Pushes true, or nil and the text of the error.
int push_done(lua_State* L, const result<void>& outcome);

}  // namespace copas::lua
