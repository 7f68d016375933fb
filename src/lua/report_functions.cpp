// What threads are there and what they do: for copas.status, copas.debug and copas.cancelall.

#include "lua/foreign_wait.hpp"
#include "lua/functions.hpp"
#include "lua/guard.hpp"
#include "lua/seconds.hpp"

namespace copas::lua {
namespace {

struct census {
  std::size_t active = 0;    // ready to run
  std::size_t inactive = 0;  // waiting for what other threads do
};

census count_tasks(const loop& home) {
  census counted;
  home.tasks().for_each([&](const task_record& each) {
    if (each.running()) return;
    const wait_node* const operation = each.waiting_on();
    if (operation == nullptr) {
      ++counted.active;
    } else if (operation->kind() == wait_kind::signal) {
      ++counted.inactive;
    }
  });
  return counted;
}

void set_count(lua_State* L, const char* name, std::size_t count) {
  lua_pushinteger(L, static_cast<lua_Integer>(count));
  lua_setfield(L, -2, name);
}

// How many threads wait for objects of other libraries without a limit of the user's.
std::size_t unlimited_waits(const loop& home) {
  std::size_t found = 0;
  home.tasks().for_each([&](const task_record& each) {
    const auto* wait = dynamic_cast<const foreign_wait*>(each.waiting_on());
    if (wait != nullptr && wait->has_timer() && !wait->limited()) ++found;
  });
  return found;
}

// Those of operations and of `copas.timeout`; what the resolver and the pool of connections have is nobody's.
std::size_t timeouts_of(scheduler& owner) {
  const loop& home = owner.loop();
  const std::size_t others = home.parked(wait_kind::time) + home.parked(wait_kind::background);
  const std::size_t timers = home.timers() - others + owner.timed().pending();
  return owner.descriptors().empty() ? timers : timers - unlimited_waits(home);
}

// tasks(): a table that counts threads (and C++ tasks) by what they wait for
int native_tasks(lua_State* L) {
  scheduler& owner = scheduler::of(L);
  const loop& home = owner.loop();
  const census counted = count_tasks(home);
  lua_createtable(L, 0, 6);
  set_count(L, "timeout", timeouts_of(owner));
  set_count(L, "timer", home.parked(wait_kind::time));
  set_count(L, "inactive", counted.inactive);
  set_count(L, "read", home.parked(wait_kind::read));
  set_count(L, "write", home.parked(wait_kind::write));
  set_count(L, "active", counted.active);
  return 1;
}

int native_gettimeouts(lua_State* L) {
  lua_pushinteger(L, static_cast<lua_Integer>(timeouts_of(scheduler::of(L))));
  return 1;
}

// threads(): an array of all
int native_threads(lua_State* L) {
  scheduler::of(L).push_threads(L);
  return 1;
}

// awaited_socket(thread): the raw socket it waits for; nil if it does not wait for one
int native_awaited_socket(lua_State* L) {
  const thread* const known = scheduler::of(L).find(L, 1);
  const wait_node* const operation = known != nullptr ? known->waiting_on() : nullptr;
  if (operation == nullptr || (operation->kind() != wait_kind::read && operation->kind() != wait_kind::write)) return 0;
  known->push_socket(L);
  return 1;
}

// trace(wanted): whether "trace" of native.on is called
int native_trace(lua_State* L) {
  scheduler::of(L).trace(lua_toboolean(L, 1) != 0);
  return 0;
}

// count_steps(wanted): starts or stops the statistics
int native_count_steps(lua_State* L) {
  scheduler::of(L).statistics().enable(lua_toboolean(L, 1) != 0);
  return 0;
}

void set_seconds(lua_State* L, const char* name, std::chrono::nanoseconds time) {
  lua_pushnumber(L, to_seconds(time));
  lua_setfield(L, -2, name);
}

// steps(): a table of what the statistics counted since it was called last, in seconds; nothing if they are off
int native_steps(lua_State* L) {
  statistics& counting = scheduler::of(L).statistics();
  if (!counting.enabled()) return 0;
  const statistics::report counted = counting.take();
  lua_createtable(L, 0, 8);
  set_count(L, "steps", counted.steps);
  set_seconds(L, "start", counted.start);
  set_seconds(L, "stop", counted.end);
  if (counted.steps == 0) return 1;
  set_seconds(L, "total", counted.total);
  set_seconds(L, "min", counted.shortest);
  set_seconds(L, "max", counted.longest);
  set_seconds(L, "min_ever", counted.shortest_ever);
  set_seconds(L, "max_ever", counted.longest_ever);
  return 1;
}

}  // namespace

void add_report_functions(lua_State* L, int scheduler) {
  constexpr luaL_Reg functions[] = {
      {"awaited_socket", guarded<native_awaited_socket>},
      {"count_steps", guarded<native_count_steps>},
      {"gettimeouts", guarded<native_gettimeouts>},
      {"steps", guarded<native_steps>},
      {"tasks", guarded<native_tasks>},
      {"threads", guarded<native_threads>},
      {"trace", guarded<native_trace>},
  };
  for (const luaL_Reg& each : functions) set_scheduler_function(L, scheduler, each.name, each.func);
}

}  // namespace copas::lua
