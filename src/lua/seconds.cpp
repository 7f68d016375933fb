#include "lua/seconds.hpp"

#include <cmath>

namespace copas::lua {
namespace {

constexpr std::chrono::nanoseconds margin = std::chrono::microseconds{1};
constexpr std::chrono::nanoseconds longest = std::chrono::years{100};

}  // namespace

std::chrono::nanoseconds from_seconds(double seconds) noexcept {
  if (!(seconds > 0)) return {};
  if (seconds >= to_seconds(longest)) return longest;
  return std::chrono::nanoseconds{static_cast<std::chrono::nanoseconds::rep>(std::ceil(seconds * 1e9))} + margin;
}

std::chrono::nanoseconds optional_timeout(lua_State* L, int index) {
  const double seconds = luaL_optnumber(L, index, -1);
  return seconds < 0 || seconds == HUGE_VAL ? unlimited : from_seconds(seconds);
}

}  // namespace copas::lua
