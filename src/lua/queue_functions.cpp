// The native part of copas.queue: who waits, who works, and when it ends. The items are in the table that users have.

#include <list>

#include "copas/sync/event.hpp"
#include "copas/sync/queue.hpp"
#include "lua/boxed.hpp"
#include "lua/errors.hpp"
#include "lua/functions.hpp"
#include "lua/guard.hpp"
#include "lua/seconds.hpp"
#include "lua/sync.hpp"

namespace copas::lua {
namespace {

class worked_queue {
 public:
  explicit worked_queue(loop& home) noexcept : items{home}, finished{home} {}

  /// Counts a thread among the workers until it ends, however that is.
  void employ(thread& employed) {
    worker& added = workers_.emplace_back(*this, employed);
    added.position = std::prev(workers_.end());
    employed.watch(added);
  }

  /// To be called after whatever may have destroyed the queue.
  void settle() noexcept {
    if (items.destroyed() && workers_.empty()) finished.set();
  }

  template <class Visitor>
  void for_each_worker(Visitor visit) const {
    for (const worker& each : workers_) visit(each.employed);
  }

  queue_control items;
  event finished;  // it is destroyed, and all its workers have ended

 private:
  class worker final : public task_watch {
   public:
    worker(worked_queue& owner, thread& whose) noexcept : employed{whose}, owner_{owner} {}
    void on_task_end() noexcept override {
      worked_queue& owner = owner_;
      owner.workers_.erase(position);  // destroys this
      owner.settle();
    }

    thread& employed;
    std::list<worker>::iterator position;

   private:
    worked_queue& owner_;
  };

  std::list<worker> workers_;
};

class queue_pop final : public queue_control::pop_awaitable {
 public:
  queue_pop(worked_queue& from, loop& home, deadline until) noexcept
      : pop_awaitable{from.items, home, until}, from_{from} {}
  [[nodiscard]] worked_queue& source() const noexcept { return from_; }

 private:
  worked_queue& from_;
};

// Whether the caller may take the first item, and whether that was the last one ever.
struct popped {
  std::error_code error;
  bool last = false;
};

popped outcome_of(worked_queue& from, const result<void>& granted) noexcept {
  if (!granted) return {.error = granted.error()};
  from.settle();
  return {.error = {}, .last = from.items.destroyed()};
}

// Pushes true, and "destroyed" if the item is the last one ever; or nil and an error.
int push_popped(lua_State* L, const popped& outcome) {
  if (outcome.error) return push_failure(L, outcome.error);
  lua_pushboolean(L, 1);
  if (!outcome.last) return 1;
  push_error(L, errc::destroyed);
  return 2;
}

class wait_for_finish final : public event::wait_awaitable {
 public:
  using wait_awaitable::wait_awaitable;
  [[nodiscard]] std::string_view activity() const noexcept override { return "finishing a queue"; }
};

}  // namespace

template <>
struct conversion<queue_pop> {
  // A queue that went while the thread waited is not touched any more.
  static popped take(scheduler&, queue_pop& op) noexcept {
    const result<void> granted = op.await_resume();
    return granted ? outcome_of(op.source(), granted) : popped{.error = granted.error()};
  }
  static int push(lua_State* L, scheduler&, const popped& outcome) { return push_popped(L, outcome); }
};

template <>
struct conversion<wait_for_finish> {
  static bool take(scheduler&, const wait_for_finish& op) noexcept { return op.await_resume(); }
  static int push(lua_State* L, scheduler&, bool finished) {
    lua_pushboolean(L, finished ? 1 : 0);
    return 1;
  }
};

namespace {

using queue_box = boxed<worked_queue>;

worked_queue& self(lua_State* L) { return queue_box::check(L, "queue expected"); }

// new_queue(): the userdata that the table of a queue has in field 1
int native_new_queue(lua_State* L) {
  queue_box::push(L, scheduler::of(L).loop());
  return 1;
}

// queue_push(queue): the item that was added is to be the last one; or nil and why it must not be there
int native_queue_push(lua_State* L) {
  queue_control& items = self(L).items;
  const result<void> open = items.may_push();
  if (open) items.pushed();
  return push_done(L, open);
}

// queue_try_pop(queue): whether the caller may take the first item
int native_queue_try_pop(lua_State* L) {
  worked_queue& from = self(L);
  return push_popped(L, outcome_of(from, from.items.try_pop()));
}

// queue_pop(queue, timeout): waits until the caller may take the first item
int native_queue_pop(lua_State* L) {
  worked_queue& from = self(L);
  const std::chrono::nanoseconds patience = check_patience(L, 2);
  thread& running = scheduler::running_thread(L);
  loop& home = running.owner().loop();
  const operands in_use = queue_box::waited_for(L, patience);
  return running.await<queue_pop>(L, in_use, from, home, home.io().after(patience));
}

int native_queue_size(lua_State* L) {
  lua_pushinteger(L, static_cast<lua_Integer>(self(L).items.size()));
  return 1;
}

// queue_stop(queue): no more items; whether that destroyed it, or nil and that it was destroyed before
int native_queue_stop(lua_State* L) {
  worked_queue& stopped = self(L);
  if (stopped.items.destroyed()) return push_failure(L, errc::destroyed);
  stopped.items.stop();
  stopped.settle();
  lua_pushboolean(L, stopped.items.destroyed() ? 1 : 0);
  return 1;
}

// queue_destroy(queue): the items are to be dropped; or nil and that it was destroyed before
int native_queue_destroy(lua_State* L) {
  worked_queue& destroyed = self(L);
  if (destroyed.items.destroyed()) return push_failure(L, errc::destroyed);
  destroyed.items.destroy();
  destroyed.settle();
  lua_pushboolean(L, 1);
  return 1;
}

// queue_finish(queue, timeout): waits until it is destroyed and has no more workers; whether it came to that
int native_queue_finish(lua_State* L) {
  event& finished = self(L).finished;
  const std::chrono::nanoseconds patience = check_patience(L, 2);
  if (finished.happened() || patience == std::chrono::nanoseconds::zero()) {
    lua_pushboolean(L, finished.happened() ? 1 : 0);
    return 1;
  }
  thread& running = scheduler::running_thread(L);
  const operands in_use = queue_box::waited_for(L, patience);
  return running.await<wait_for_finish>(L, in_use, finished, running.owner().loop().io().after(patience));
}

// queue_employ(queue, thread): the thread is one of its workers
int native_queue_employ(lua_State* L) {
  worked_queue& employer = self(L);
  if (thread* const employed = scheduler::of(L).find(L, 2)) employer.employ(*employed);
  return 0;
}

// queue_workers(queue): an array of those that have not ended
int native_queue_workers(lua_State* L) {
  const worked_queue& employer = self(L);
  lua_newtable(L);
  int count = 0;
  employer.for_each_worker([&](const thread& each) {
    each.push_coroutine(L);
    lua_rawseti(L, -2, ++count);
  });
  return 1;
}

}  // namespace

void add_queue_functions(lua_State* L, int scheduler) {
  constexpr luaL_Reg functions[] = {
      {"new_queue", guarded<native_new_queue>},         {"queue_destroy", guarded<native_queue_destroy>},
      {"queue_employ", guarded<native_queue_employ>},   {"queue_finish", guarded<native_queue_finish>},
      {"queue_pop", guarded<native_queue_pop>},         {"queue_push", guarded<native_queue_push>},
      {"queue_size", guarded<native_queue_size>},       {"queue_stop", guarded<native_queue_stop>},
      {"queue_try_pop", guarded<native_queue_try_pop>}, {"queue_workers", guarded<native_queue_workers>},
  };
  for (const luaL_Reg& each : functions) set_scheduler_function(L, scheduler, each.name, each.func);
}

}  // namespace copas::lua
