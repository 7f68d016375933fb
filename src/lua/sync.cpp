#include "lua/sync.hpp"

#include <cmath>

#include "lua/arguments.hpp"
#include "lua/errors.hpp"
#include "lua/guard.hpp"
#include "lua/seconds.hpp"

namespace copas::lua {

std::chrono::nanoseconds check_patience(lua_State* L, int index) {
  if (is_left_out(L, index)) {
    lua_settop(L, index - 1);
    lua_pushliteral(L, "timeout");
    lua_rawget(L, 1);
  }
  const double seconds = check_number(L, index);
  if (!(seconds >= 0)) refuse_argument(L, index, "expected a timeout greater than or equal to 0");
  return seconds == HUGE_VAL ? unlimited : from_seconds(seconds);
}

int push_done(lua_State* L, const result<void>& outcome) {
  if (!outcome) return push_failure(L, outcome.error());
  lua_pushboolean(L, 1);
  return 1;
}

}  // namespace copas::lua
