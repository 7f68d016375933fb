// Waiting for descriptors that belong to objects of other libraries.

#include "lua/errors.hpp"
#include "lua/foreign_wait.hpp"
#include "lua/functions.hpp"
#include "lua/guard.hpp"
#include "lua/seconds.hpp"

namespace copas::lua {

template <>
struct conversion<foreign_wait> {
  static std::error_code take(scheduler&, const foreign_wait& op) noexcept { return op.await_resume(); }
  static int push(lua_State* L, scheduler&, const std::error_code& error) {
    if (error) return push_failure(L, error);
    lua_pushboolean(L, 1);
    return 1;
  }
};

namespace {

side check_side(lua_State* L, int arg) {
  static constexpr const char* sides[] = {"read", "write", nullptr};
  return luaL_checkoption(L, arg, nullptr, sides) == 0 ? side::read : side::write;
}

// wait(descriptor, "read" or "write", seconds, socket, limited, first): true when it may be ready, nil and "timeout" or
// another error. It is one of the timeouts that are counted if `limited`, and in front of all that wait if `first`.
int native_wait(lua_State* L) {
  const auto fd = static_cast<int>(luaL_checkinteger(L, 1));
  const side which = check_side(L, 2);
  const std::chrono::nanoseconds timeout = optional_timeout(L, 3);
  thread& self = scheduler::running_thread(L);
  return self.await_for<foreign_wait>(L, timeout, {.socket = lua_isnoneornil(L, 4) ? 0 : 4, .text = 0},
                                      &self.owner().loop(), self.owner().descriptors().at(fd), which,
                                      lua_toboolean(L, 6) != 0 ? foreign_wait::place::first : foreign_wait::place::last,
                                      lua_toboolean(L, 5) != 0);
}

// vacant(descriptor, "read" or "write"): does nobody wait for that?
int native_vacant(lua_State* L) {
  const auto fd = static_cast<int>(luaL_checkinteger(L, 1));
  lua_pushboolean(L, scheduler::of(L).descriptors().vacant(fd, check_side(L, 2)) ? 1 : 0);
  return 1;
}

// closing(descriptor): to be called before the object that owns it closes it
int native_closing(lua_State* L) {
  scheduler::of(L).descriptors().closing(static_cast<int>(luaL_checkinteger(L, 1)));
  return 0;
}

// anybody_reads(): does any thread wait for something to read?
int native_anybody_reads(lua_State* L) {
  lua_pushboolean(L, scheduler::of(L).loop().parked(wait_kind::read) > 0 ? 1 : 0);
  return 1;
}

// buffered(descriptor): the object that owns it holds bytes, of which no event tells those who wait for it
int native_buffered(lua_State* L) {
  if (lua_isnumber(L, 1) != 0) scheduler::of(L).descriptors().announce_bytes(static_cast<int>(lua_tointeger(L, 1)));
  return 0;
}

// spend(): counts one operation that did not wait, and cancels the thread's `copas.timeout`, as all do; false if it should
// let others run
int native_spend(lua_State* L) {
  thread* const running = state::of(L).current;
  if (running != nullptr) running->cancel_noted_timeout();
  lua_pushboolean(L, running == nullptr || running->owner().loop().within_budget() ? 1 : 0);
  return 1;
}

}  // namespace

void add_descriptor_functions(lua_State* L, int scheduler) {
  set_scheduler_function(L, scheduler, "anybody_reads", guarded<native_anybody_reads>);
  set_scheduler_function(L, scheduler, "buffered", guarded<native_buffered>);
  set_scheduler_function(L, scheduler, "closing", guarded<native_closing>);
  set_scheduler_function(L, scheduler, "spend", guarded<native_spend>);
  set_scheduler_function(L, scheduler, "vacant", guarded<native_vacant>);
  set_scheduler_function(L, scheduler, "wait", guarded<native_wait>);
}

}  // namespace copas::lua
