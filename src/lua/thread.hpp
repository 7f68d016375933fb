#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <span>
#include <string>
#include <type_traits>
#include <utility>

#include "copas/core/awaitable.hpp"
#include "copas/core/frame_pool.hpp"
#include "copas/core/loop.hpp"
#include "copas/core/ref.hpp"
#include "copas/core/sleep.hpp"
#include "copas/io/socket.hpp"
#include "copas/sync/event.hpp"
#include "lua/anchors.hpp"
#include "lua/compat.hpp"
#include "lua/origins.hpp"

namespace copas::lua {

class scheduler;
struct guard_of_thread;
namespace detail {
class thread_watch;
}

/// How the result of an awaitable gets to Lua: `take` moves it out into something whose destructor does nothing (or into
/// the state's pins), `push` then pushes it. Specialised for each awaitable in the file that offers it to Lua.
///
/// One whose results are so plain that pushing them never raises an error says so by a constant `never_fails`.
///
/// One whose results may be an error also has `settle(L, count)`, the end of the C function that the results return from
/// after a wait, where C functions can go on.
template <awaitable Operation>
struct conversion;

/// Does the user's `copas.timeout` go on while a thread performs this operation? Every other one cancels it.
template <class Operation>
inline constexpr bool keeps_timeout =
    std::is_base_of_v<sleep_awaitable, Operation> || std::is_base_of_v<yield_awaitable, Operation> ||
    std::is_base_of_v<event::wait_awaitable, Operation>;

/// Which values on the caller's stack a parked operation points into; 0 for none.
struct operands {
  int socket = 0;
  int text = 0;  ///< a string that is being sent; or an object that the operation belongs to
  int holder = 0;  ///< the userdata that keeps the thread alive, for nothing else can end the wait; with an own table
};

/// What a thread of a server belongs to, for its name.
struct served_client {
  std::uint32_t server = 0;  ///< 0: none
  std::uint32_t number = 0;
};

/// A Lua thread that a scheduler runs: the coroutine, and the one operation it may wait in.
///
/// This is the bridge between Lua's coroutines and the awaitables of the core. A wait builds its awaitable in the
/// thread's slot, which has the size of the largest so far, and at first what threads from the same origin needed: that
/// much is part of the thread's own block of memory. If the awaitable is ready at once, the C function returns its
/// results. Otherwise the coroutine yields `parked_mark`, and when the awaitable wakes its waiter, the results are pushed
/// and the coroutine is resumed.
class thread final : public task_record {
 public:
  /// What of Lua's it is prepared to keep alive from the start; for more it may have to ask for memory.
  enum class holding : std::uint8_t { coroutine, socket };

  /// @param coroutine  has a function and its arguments on its stack.
  /// @param from       outlives the thread.
  /// @error std::bad_alloc
  thread(scheduler& owner, lua_State* coroutine, thread_origin& from, holding what);
  ~thread() override;

  /// How many bytes its block has for operations. @pre  the same as in its origin when it is constructed
  struct room {
    std::size_t bytes;
  };
  static void* operator new(std::size_t size, room extra) { return frame_pool::allocate(size + extra.bytes); }
  static void operator delete(thread* gone, std::destroying_delete_t) noexcept;
  static void operator delete(void* memory, room extra) noexcept {
    frame_pool::release(memory, sizeof(thread) + extra.bytes);
  }

  /// What a coroutine yields to say that an operation is parked: no value that user code can have.
  static void* parked_mark() noexcept;

  /// When a new thread runs first.
  enum class beginning : std::uint8_t {
    queued,  ///< in the next phase (4) of the loop
    promptly,  ///< in the current phase (2)
    at_once,  ///< before `start` returns
  };
  /// Makes it run. It may have ended when this returns, if that is `at_once`.
  void start(beginning when);

  /// Goes on, at its turn.
  void resume();
  void begin() override { resume(); }

  /// Performs an operation for `caller`, a coroutine that runs in this thread; the last statement of a C function.
  ///
  /// An earlier wait that never began, because its yield failed, is withdrawn.
  /// @pre  nothing that owns something is alive in the caller's frame, but for the temporaries given as arguments
  template <awaitable Operation, class... Arguments>
  int await(lua_State* caller, operands in_use, Arguments&&... arguments) {
    return await_for<Operation>(caller, std::chrono::nanoseconds::max(), in_use, std::forward<Arguments>(arguments)...);
  }

  /// As `await`, giving up `timeout` after the operation began to wait.
  template <awaitable Operation, class... Arguments>
  int await_for(lua_State* caller, std::chrono::nanoseconds timeout, operands in_use, Arguments&&... arguments) {
    static_assert(alignof(Operation) <= alignof(thread));
    if (lost_last_wait(caller)) {
      (let_go<Arguments>(arguments), ...);
      raise_lost_wait(caller);
    }
    if constexpr (!keeps_timeout<Operation>) {
      if (has_timeout_) [[unlikely]]
        cancel_timeout();
    }
    // Not `forward`, which says that this is their last use.
    auto* operation =
        std::construct_at(static_cast<Operation*>(room_for(sizeof(Operation))), static_cast<Arguments&&>(arguments)...);
    (let_go<Arguments>(arguments), ...);
    operation_ = operation;
    pass_results_ = [](thread& self, lua_State* L) { return self.pass_results<Operation>(L); };
    if (operation->await_ready()) return finish<Operation>(caller);
    prepare_to_park(caller, in_use);
    if constexpr (requires { operation->set_deadline(never); }) {
      if (timeout != std::chrono::nanoseconds::max()) operation->set_deadline(deadline_after(timeout));
    }
    operation->await_suspend({[](void* self) { static_cast<thread*>(self)->resume(); }, this});
    prepare_yield(caller, in_use);
    if constexpr (requires { &conversion<Operation>::settle; }) {
      return yield_and_settle<&conversion<Operation>::settle>(caller);
    } else {
      return lua_yield(caller, 1);
    }
  }

  /// What comes before each operation: withdraws an earlier wait that never began, and ends the user's `copas.timeout`. For
  /// one that is over before `await` would be called.
  void begin_operation(lua_State* caller) {
    check_last_wait(caller);
    if (has_timeout_) [[unlikely]]
      cancel_timeout();
  }

  /// From its next wait on, which only `wake` can end, the coroutine is held by nobody but the user.
  void prepare_lethargy(lua_State* caller);

  /// Ends a sleep early.
  /// @return  false if it does not sleep.
  /// @param coroutine  where the coroutine is on the stack of `L`.
  bool wake(lua_State* L, int coroutine);

  /// Ends it without touching the coroutine, which user code closes, or Lua has collected.
  void abandon(lua_State* L) { end(L); }

  [[nodiscard]] lua_State* coroutine() const noexcept { return coroutine_; }
  /// Does it wait for `wake` only, held by nobody but the user?
  [[nodiscard]] bool lethargic() const noexcept { return guard_ != nullptr; }
  /// Holds the coroutine, which is at `coroutine` on the stack of `L`, again if nobody but the user did.
  void leave_lethargy(lua_State* L, int coroutine);
  /// The holder of the thread, whose own table has the coroutine at `coroutine` of the stack, is being collected.
  void holder_collected(lua_State* L, int coroutine);
  /// Pushes the coroutine. @pre !lethargic()
  void push_coroutine(lua_State* L) const;
  [[nodiscard]] scheduler& owner() const noexcept { return owner_; }

  [[nodiscard]] std::string name() const override;
  [[nodiscard]] std::string origin() const override { return std::string{from_.text}; }
  [[nodiscard]] thread_origin& started_at() const noexcept { return from_; }

  /// Pushes the raw socket that an error handler is told of: a server's connection, or what the thread was resumed for.
  void push_socket(lua_State* L) const;
  /// Makes it the thread of a server's connection, which is at `socket` on the stack of `L`.
  ///
  /// @pre  it was made to hold a socket
  /// @param close_at_end  closed when the thread ends; none for a connection that is no native socket.
  void serve(lua_State* L, int socket, served_client which, ref<copas::socket> close_at_end);
  /// If it has to do with the socket at `old` of the stack, it has from now on with the one at `fresh`.
  /// @return  whether it had.
  bool replace_socket(lua_State* L, int old, int fresh);
  /// Lets the module close the connection, which is no native socket, when the thread ends.
  void close_foreign_at_end() noexcept { closes_foreign_ = true; }
  [[nodiscard]] served_client client() const noexcept { return client_; }

  /// It has a `copas.timeout`, perhaps, which its next operation will cancel.
  void note_timeout() noexcept { has_timeout_ = true; }
  /// Cancels that one, at the latest when an operation on a socket ends that is not performed by `await`.
  void cancel_noted_timeout() {
    if (has_timeout_) cancel_timeout();
  }
  /// Tells `watching`, and not the error handler, how it ends.
  void watch_outcome(detail::thread_watch& watching) noexcept;
  /// Tells nobody.
  void forget_outcome() noexcept;

  thread* next_in_chain = nullptr;  // for the scheduler's table of coroutines
  thread** linked_by = nullptr;

  /// Does the thread want the words of the library below for a timeout, rather than "timeout"?
  bool wants_own_words = false;
  /// Has an operation been given up because its time was over? Whoever wants to know clears it before.
  bool has_timed_out = false;

 private:
  using results_passer = int (*)(thread&, lua_State*);

  /// What it keeps alive.
  enum field : std::uint8_t {
    itself,  ///< the coroutine, unless it waits for `wakeup` only
    awaited,  ///< the socket it waits on, or waited on last
    nested,  ///< the coroutine of the user's that a wait began in, if it is not the thread; where yields fail late
    operand,  ///< a string being sent; where Lua drops the arguments of a function that yields
    field_count = tells_whether_yieldable ? nested
                  : keeps_arguments       ? operand
                                          : operand + 1,
  };
  static constexpr bool has_field(field which) { return which < field_count; }

  template <awaitable Operation>
  int finish(lua_State* L) {
    auto outcome = conversion<Operation>::take(owner_, *static_cast<Operation*>(slot_));
    static_assert(std::is_trivially_destructible_v<decltype(outcome)>);
    if constexpr (!keeps_timeout<Operation>) {
      if (operation_->reason() == wake_reason::timed_out) [[unlikely]]
        has_timed_out = true;
    }
    withdraw();
    return conversion<Operation>::push(L, owner_, outcome);
  }

  /// Pushes the results of a wait on the coroutine; by way of `L`, where errors are caught, if that may raise one: on a
  /// suspended coroutine an error ends the process in 5.1 and LuaJIT.
  template <awaitable Operation>
  int pass_results(lua_State* L) {
    if constexpr (requires { conversion<Operation>::never_fails; }) {
      return finish<Operation>(coroutine_);
    } else {
      return move_results(L, finish<Operation>(L));
    }
  }
  int move_results(lua_State* L, int count);

  /// Takes from an argument that is a temporary what it still owns: a yield and an error of Lua jump over its destructor.
  template <class Argument>
  static void let_go([[maybe_unused]] Argument& argument) {
    if constexpr (!std::is_lvalue_reference_v<Argument> && !std::is_trivially_destructible_v<Argument>) {
      argument = Argument{};
    }
  }

  /// The slot, which is empty, for an operation of this size.
  void* room_for(std::size_t size) {
    if (size > slot_size_) [[unlikely]]
      enlarge_slot(size);
    return slot_;
  }
  void enlarge_slot(std::size_t size);
  void release_slot() noexcept;

  [[nodiscard]] bool lost_last_wait(lua_State* caller) { return operation_ != nullptr && withdraw_abandoned(caller); }
  void check_last_wait(lua_State* caller) {
    if (lost_last_wait(caller)) raise_lost_wait(caller);
  }
  thread(scheduler& owner, lua_State* coroutine, thread_origin& from) noexcept;
  void prepare_to_park(lua_State* caller, operands in_use);
  void reserve(field which);
  void keep(lua_State* L, field which, int value);
  void clear(field which) noexcept;
  void prepare_yield(lua_State* caller, operands in_use);
  [[nodiscard]] bool still_ours() const;
  void after_resume(lua_State* L, int status, int results);
  void report_failure(lua_State* L);
  void fail(lua_State* L);
  void hand_over_results(lua_State* L, int count);
  void end(lua_State* L);
  void withdraw() noexcept;
  [[nodiscard]] bool withdraw_abandoned(lua_State* caller);
  [[noreturn]] static void raise_lost_wait(lua_State* caller);
  [[nodiscard]] bool nested_is_suspended(lua_State* caller);
  void cancel_timeout();
  void become_lethargic(lua_State* L);
  [[nodiscard]] const void* key_of(field which) const noexcept;
  [[nodiscard]] std::span<const field> held_fields() const noexcept;
  void let_hold(lua_State* L);
  void let_scheduler_hold(lua_State* L, int coroutine) noexcept;
  void hold_again() noexcept {
    if (held_) [[unlikely]]
      take_from_holder();
  }
  void take_from_holder() noexcept;
  void on_wake() noexcept override { hold_again(); }
  void drop_guard() noexcept;
  [[nodiscard]] deadline deadline_after(std::chrono::nanoseconds timeout) const;
  void destroy() override;

  // In an order that leaves no gaps: there may be many of them.
  bool fresh_ = true;  // it has not been resumed yet
  bool wants_lethargy_ = false;  // the current wait is `pause_forever`
  bool held_ = false;  // by `holder_`, and not by the scheduler
  bool has_text_ = false;  // the operand field is in use
  bool has_nested_ = false;  // so is the nested one
  bool has_socket_ = false;
  bool closes_foreign_ = false;
  bool has_timeout_ = false;
  std::uint16_t own_room_;  // in bytes, behind the thread
  std::uint16_t slot_size_;  // more than that if the slot is elsewhere
  std::array<anchors::index, field_count> places_{};  // where the fields are anchored
  served_client client_;
  scheduler& owner_;
  lua_State* coroutine_;
  ref<copas::socket> close_at_end_;
  thread_origin& from_;
  wait_node* operation_ = nullptr;  // in the slot, if anything is
  results_passer pass_results_ = nullptr;
  guard_of_thread* guard_ = nullptr;  // while it is lethargic
  const void* holder_ = nullptr;  // the userdata that holds, or is to hold, the coroutine during the current wait
  detail::thread_watch* watch_ = nullptr;
  void* slot_;  // as large as the largest operation it has waited in
};

}  // namespace copas::lua
