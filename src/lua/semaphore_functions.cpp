// The native part of copas.semaphore.

#include "copas/sync/semaphore.hpp"

#include <algorithm>
#include <cmath>

#include "lua/arguments.hpp"
#include "lua/boxed.hpp"
#include "lua/errors.hpp"
#include "lua/functions.hpp"
#include "lua/guard.hpp"
#include "lua/seconds.hpp"
#include "lua/sync.hpp"

namespace copas::lua {

template <>
struct conversion<semaphore::take_awaitable> {
  static result<void> take(scheduler&, semaphore::take_awaitable& op) noexcept { return op.await_resume(); }
  static int push(lua_State* L, scheduler&, const result<void>& outcome) { return push_done(L, outcome); }
};

namespace {

constexpr double most_units = 1ULL << 40U;  // leaves room for sums

semaphore& self(lua_State* L) { return boxed<semaphore>::check(L, "semaphore expected"); }

// A whole number; beyond what anybody can have, infinity for one, it is as much as anybody can have.
semaphore::count check_count(lua_State* L, int index) {
  const double given = check_number(L, index);
  if (given != std::floor(given)) refuse_argument(L, index, "number has no integer representation");
  return static_cast<semaphore::count>(std::clamp(given, -most_units, most_units));
}

// How many units a method is about; one, if nothing is said.
semaphore::count optional_units(lua_State* L, int index) {
  if (is_left_out(L, index)) return 1;
  const semaphore::count units = check_count(L, index);
  if (units < 0) refuse_argument(L, index, "expected a number greater than or equal to 0");
  return units;
}

int method_take(lua_State* L) {
  semaphore& from = self(L);
  const semaphore::count units = optional_units(L, 2);
  const result<void> now = from.try_take(units);
  if (now || now.error() != errc::timed_out) return push_done(L, now);
  const std::chrono::nanoseconds patience = check_patience(L, 3);
  if (patience == std::chrono::nanoseconds::zero()) return push_done(L, now);
  thread& running = scheduler::running_thread(L);
  loop& home = running.owner().loop();
  return running.await<semaphore::take_awaitable>(L, {.socket = 0, .text = 1}, from, home, units,
                                                  home.io().after(patience));
}

int method_give(lua_State* L) {
  semaphore& to = self(L);
  if (!to.give(optional_units(L, 2))) return push_failure(L, to.destroyed() ? errc::destroyed : errc::too_many);
  lua_pushboolean(L, 1);
  return 1;
}

int method_get_count(lua_State* L) {
  lua_pushinteger(L, static_cast<lua_Integer>(self(L).available()));
  return 1;
}

int method_get_wait(lua_State* L) {
  const semaphore& asked = self(L);
  lua_pushinteger(L, static_cast<lua_Integer>(asked.wanted() - asked.available()));
  return 1;
}

int method_destroy(lua_State* L) {
  self(L).destroy();
  return 0;
}

// new_semaphore(max, start): the userdata that the table of a semaphore has in field 1
int native_new_semaphore(lua_State* L) {
  const semaphore::count most = check_count(L, 1);
  const semaphore::count start = check_count(L, 2);
  boxed<semaphore>::push(L, scheduler::of(L).loop(), most, start);
  return 1;
}

// semaphore_methods(): a new table of them
int native_semaphore_methods(lua_State* L) {
  constexpr luaL_Reg methods[] = {
      {"destroy", guarded<method_destroy>},   {"get_count", guarded<method_get_count>},
      {"get_wait", guarded<method_get_wait>}, {"give", guarded<method_give>},
      {"take", guarded<method_take>},
  };
  lua_newtable(L);
  for (const luaL_Reg& each : methods) set_scheduler_function(L, lua_upvalueindex(2), each.name, each.func);
  return 1;
}

}  // namespace

void add_semaphore_functions(lua_State* L, int scheduler) {
  set_scheduler_function(L, scheduler, "new_semaphore", guarded<native_new_semaphore>);
  set_scheduler_function(L, scheduler, "semaphore_methods", guarded<native_semaphore_methods>);
}

}  // namespace copas::lua
