// The native part of copas.lock.

#include "copas/sync/lock.hpp"

#include "lua/boxed.hpp"
#include "lua/errors.hpp"
#include "lua/functions.hpp"
#include "lua/guard.hpp"
#include "lua/seconds.hpp"
#include "lua/sync.hpp"

namespace copas::lua {
namespace {

// How an attempt to get a lock ended, which is held by its owner from now on, not by a guard.
std::error_code without_guard(result<lock::guard> got) noexcept {
  if (!got) return got.error();
  got->detach();
  return {};
}

// Gets a lock for a thread, and tells how long that took. @invariant `start` is when it was made
class measured_get final : public lock::get_awaitable {
 public:
  measured_get(lock& wanted, thread& who, deadline start, deadline until) noexcept
      : get_awaitable{wanted, who.owner().loop(), &who, until}, start_{start} {}
  [[nodiscard]] std::chrono::nanoseconds elapsed() const noexcept { return home()->io().now() - start_; }

 private:
  deadline start_;
};

// Pushes the time that it took to get a lock; after an error, nil and its text in front of that.
int push_waited(lua_State* L, const std::error_code& error, std::chrono::nanoseconds waited) {
  if (error) push_failure(L, error);
  push_number(L, to_seconds(waited));
  return error ? 3 : 1;
}

}  // namespace

template <>
struct conversion<measured_get> {
  struct outcome {
    std::error_code error;
    std::chrono::nanoseconds waited;
  };
  static outcome take(scheduler&, measured_get& op) noexcept {
    return {without_guard(op.await_resume()), op.elapsed()};
  }
  static int push(lua_State* L, scheduler&, const outcome& got) { return push_waited(L, got.error, got.waited); }
};

namespace {

lock& self(lua_State* L) { return boxed<lock>::check(L, "lock expected"); }

int method_get(lua_State* L) {
  lock& wanted = self(L);
  const std::error_code now = without_guard(wanted.try_get(state::of(L).current));
  if (now == errc::destroyed) return push_failure(L, now);
  if (!now) return push_waited(L, now, {});
  const std::chrono::nanoseconds patience = check_patience(L, 2);
  if (patience == std::chrono::nanoseconds::zero()) return push_waited(L, now, {});
  thread& running = scheduler::running_thread(L);
  const deadline start = running.owner().loop().io().now();
  return running.await<measured_get>(L, {.socket = 0, .text = 1}, wanted, running, start,
                                     patience == unlimited ? never : start + patience);
}

int method_release(lua_State* L) { return push_done(L, self(L).release(state::of(L).current)); }

int method_destroy(lua_State* L) {
  self(L).destroy();
  return 0;
}

// new_lock(not_reentrant): the userdata that the table of a lock has in field 1
int native_new_lock(lua_State* L) {
  const auto again = lua_toboolean(L, 1) != 0 ? lock::reentry::waits : lock::reentry::allowed;
  boxed<lock>::push(L, scheduler::of(L).loop(), again);
  return 1;
}

// lock_methods(): a new table of them
int native_lock_methods(lua_State* L) {
  lua_newtable(L);
  set_scheduler_function(L, lua_upvalueindex(2), "destroy", guarded<method_destroy>);
  set_scheduler_function(L, lua_upvalueindex(2), "get", guarded<method_get>);
  set_scheduler_function(L, lua_upvalueindex(2), "release", guarded<method_release>);
  return 1;
}

}  // namespace

void add_lock_functions(lua_State* L, int scheduler) {
  set_scheduler_function(L, scheduler, "new_lock", guarded<native_new_lock>);
  set_scheduler_function(L, scheduler, "lock_methods", guarded<native_lock_methods>);
}

}  // namespace copas::lua
