// The native part of copas.future: the wait. The results are in the table that users have.

#include "copas/sync/event.hpp"
#include "lua/boxed.hpp"
#include "lua/functions.hpp"
#include "lua/guard.hpp"
#include "lua/seconds.hpp"

namespace copas::lua {
namespace {

class wait_for_future final : public event::wait_awaitable {
 public:
  using wait_awaitable::wait_awaitable;
  [[nodiscard]] std::string_view activity() const noexcept override { return "waiting for a future"; }
};

}  // namespace

template <>
struct conversion<wait_for_future> {
  struct nothing {};
  static nothing take(scheduler&, wait_for_future&) noexcept { return {}; }
  static int push(lua_State*, scheduler&, nothing) noexcept { return 0; }
};

namespace {

using future_box = boxed<event>;

event& self(lua_State* L) { return future_box::check(L, "future expected"); }

// new_future(): the userdata that the table of a future has in field 1
int native_new_future(lua_State* L) {
  future_box::push(L, scheduler::of(L).loop());
  return 1;
}

// future_complete(future): wakes those who wait for it
int native_future_complete(lua_State* L) {
  self(L).set();
  return 0;
}

// future_wait(future): waits until it is complete
int native_future_wait(lua_State* L) {
  event& complete = self(L);
  thread& running = scheduler::running_thread(L);
  const operands in_use = future_box::waited_for(L, unlimited);
  return running.await<wait_for_future>(L, in_use, complete, never);
}

}  // namespace

void add_future_functions(lua_State* L, int scheduler) {
  set_scheduler_function(L, scheduler, "future_complete", guarded<native_future_complete>);
  set_scheduler_function(L, scheduler, "future_wait", guarded<native_future_wait>);
  set_scheduler_function(L, scheduler, "new_future", guarded<native_new_future>);
}

}  // namespace copas::lua
