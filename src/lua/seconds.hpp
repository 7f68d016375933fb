#pragma once

#include <chrono>

#include "lua/compat.hpp"

namespace copas::lua {

/// A timeout that never ends.
inline constexpr std::chrono::nanoseconds unlimited = std::chrono::nanoseconds::max();

/// Seconds as Lua counts them. Rounded up, and a microsecond added, so that whoever measures the wait with `gettime`
/// around it always sees more than was asked for. Infinity and whatever reaches beyond a century are a century.
[[nodiscard]] std::chrono::nanoseconds from_seconds(double seconds) noexcept;

[[nodiscard]] inline double to_seconds(std::chrono::nanoseconds time) noexcept {
  return std::chrono::duration<double>{time}.count();
}

/// An optional number of seconds: unlimited if it is absent or negative.
[[nodiscard]] std::chrono::nanoseconds optional_timeout(lua_State* L, int index);

}  // namespace copas::lua
