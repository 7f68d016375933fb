#pragma once

#include <cstdint>
#include <exception>
#include <memory>
#include <string>
#include <vector>

#include "copas/core/loop.hpp"
#include "copas/io/descriptor_table.hpp"
#include "copas/io/signals.hpp"
#include "copas/sync/event.hpp"
#include "lua/anchors.hpp"
#include "lua/compat.hpp"
#include "lua/garbage.hpp"
#include "lua/origins.hpp"
#include "lua/state.hpp"
#include "lua/statistics.hpp"
#include "lua/thread.hpp"
#include "lua/timeouts.hpp"

namespace copas::lua {

class step_inside;

/// One instance of the copas module: a loop, and the Lua threads it runs.
class scheduler : public list_link {
 public:
  /// @param L  where the scheduler is made.
  scheduler(lua_State* L, state& shared);
  /// Makes what belongs to Lua; by itself, for an error of Lua would jump out of the constructor, and leave the loop behind.
  /// The table on top of the stack keeps what the threads need.
  void prepare(lua_State* L);
  scheduler(const scheduler&) = delete;
  scheduler& operator=(const scheduler&) = delete;
  ~scheduler();

  /// Ends all threads; to be called before it is destroyed, by whatever state does that.
  /// @return  false if a thread runs, up the stack, which uses the scheduler still.
  [[nodiscard]] bool close(lua_State* L);

  /// The scheduler that a C function of its module has as its second upvalue.
  /// Raises an error if it has been closed.
  static scheduler& of(lua_State* L);

  /// The thread that runs; raises the error of Lua's `coroutine.yield` if there is none.
  static thread& running_thread(lua_State* L);

  /// Raises that error.
  [[noreturn]] static void refuse_to_wait(lua_State* L);

  /// Raises an error if a turn is in progress.
  void check_not_turning(lua_State* L) const;

  /// Lets a thread call `copas.step`, though the loop runs already.
  void let_step(thread& guest) noexcept { guest_ = &guest; }
  [[nodiscard]] bool may_step(const thread* asked) const noexcept { return asked != nullptr && asked == guest_; }
  /// The step of that thread; null outside of one.
  [[nodiscard]] step_inside*& guest_step() noexcept { return guest_step_; }
  /// Notes whether that thread is in a loop inside of the loop, where it waits for all others.
  void let_guest_loop(bool is_in_one) noexcept { guest_loops_ = is_in_one; }

  /// One turn of the loop, in protected mode: an error that escapes from a thread's bookkeeping ends that thread only.
  /// Raises an error if another turn is in progress.
  ///
  /// @param again  further turns follow while something is ready and this is true. It is called with copies of the values
  ///               at 1 to 3 of the stack.
  /// @return  whether a socket had an event.
  bool step(lua_State* L, deadline until, bool (*again)(lua_State* L) = nullptr);

  /// Is a turn in progress that catches what escapes from threads' bookkeeping? A turn that C++ has begun does not.
  [[nodiscard]] bool catches_errors() const noexcept { return turning_; }
  /// Resumes a thread in protected mode.
  void resume_protected(thread& resumed);

  /// Outside of turns, uses the coroutine `idle` from now on, which lives as long as the Lua state.
  void rest_in(lua_State* idle) noexcept;

  /// Makes a thread of a coroutine that is on a stack, or elsewhere safe.
  /// @error std::bad_alloc
  thread& adopt(lua_State* coroutine, thread_origin& from, thread::holding what = thread::holding::coroutine);

  /// The thread of a coroutine at `index` of the stack; null if it is none of ours.
  [[nodiscard]] thread* find(lua_State* L, int index);
  void forget(thread& gone) noexcept;
  /// Runs a new thread until its first wait, in the middle of whatever `L` runs.
  void start_now(lua_State* L, thread& made);
  /// Ends a thread, whose coroutine is at `coroutine`: at once, or, if it runs, at its next wait.
  void remove(lua_State* L, int coroutine, thread& removed);

  /// Ties a thread to its coroutine, which is at `index`, so that it goes when the coroutine is collected.
  ///
  /// @return  the tie, alive until the coroutine is collected.
  guard_of_thread& guard(lua_State* L, int index, thread& guarded);
  /// Undoes a tie.
  static void disarm(guard_of_thread& guard) noexcept;

  /// Lets SIGINT and SIGTERM stop the loop.
  void handle_signals() { signals_ = std::make_unique<stop_signals>(loop_); }

  /// What the Lua part of the module does for the scheduler.
  enum class callback : std::uint8_t { report_error = 1, close_foreign, timeout, trace, call, name, create };
  /// Sets the function for that; it is on top of the stack, and is popped.
  void set_callback(lua_State* L, callback which);

  /// Calls the module's error handler, with the error, the coroutine and the socket: the error is on top of the stack, and
  /// is popped.
  /// @param failed  null if it was no thread's error but a finaliser's.
  void report(lua_State* L, const thread* failed);
  /// The same for an exception that left a C++ task.
  void report(const std::exception_ptr& thrown, const task_record& failed);
  /// Lets the module's function for that trace what threads do, from now on or no more.
  void trace(bool wanted) noexcept { tracing_ = wanted; }
  [[nodiscard]] bool tracing() const noexcept { return tracing_; }
  /// Calls that function with what happened to a thread, and with the operation it was or is waiting for.
  void trace(lua_State* L, const char* what, const thread& whom, const wait_node* operation);

  /// Lets the threads that have to do with the socket at `old` of the stack have to do with the one at `fresh`.
  void replace_socket(lua_State* L, int old, int fresh);

  /// What the module calls a thread; empty if it cannot tell.
  [[nodiscard]] std::string name_of(const thread& whom) const;

  /// Pushes an array of all threads.
  void push_threads(lua_State* L);

  /// Runs a thread that calls the function on top of the stack, below its argument; both are popped.
  void run_timeout(lua_State* L);
  /// Calls the module's function that closes a socket, with that of a thread.
  void close_foreign(lua_State* L, const thread& ended);

  /// Pushes a coroutine for the function at `function`, which it has on its stack if the program's own function in place of
  /// coroutine.create has made it.
  lua_State* new_coroutine(lua_State* L, int function) const;

  /// Pushes the module's function that calls its first argument with the others; nil at the end of the Lua state.
  void push_caller(lua_State* L) const;

  /// The state that runs the current turn; outside of turns the one that made the scheduler, or that `rest_in` set.
  [[nodiscard]] lua_State* lua() const noexcept { return lua_; }
  /// A coroutine that never runs: its stack serves what happens at any time, wherever another coroutine is.
  [[nodiscard]] lua_State* scratch() const noexcept { return scratch_; }
  [[nodiscard]] copas::loop& loop() noexcept { return loop_; }
  [[nodiscard]] anchors& anchored() noexcept { return anchors_; }
  [[nodiscard]] lua::origins& origins() noexcept { return origins_; }
  [[nodiscard]] state& shared() noexcept { return shared_; }
  [[nodiscard]] event& exiting() noexcept { return exiting_; }
  [[nodiscard]] descriptor_table& descriptors() noexcept { return descriptors_; }
  [[nodiscard]] lua::statistics& statistics() noexcept { return statistics_; }
  [[nodiscard]] timeouts& timed() noexcept { return timeouts_; }

  /// Would the module's main loop return?
  [[nodiscard]] bool finished() const noexcept;

 private:
  struct turns;
  enum class prepared : std::uint8_t { run_turns, run_thread };
  void push_prepared(lua_State* L, prepared which) const;
  static int run_turns(lua_State* L);
  static int run_thread(lua_State* L);
  void collect_garbage(lua_State* L);
  static int step_garbage(lua_State* L);
  struct failed_task;
  static void report_task(lua_State* L, const failed_task& failed);
  bool turn(deadline until);
  [[nodiscard]] std::size_t bucket_of(const lua_State* coroutine) const noexcept;
  static void link(thread& added, thread*& chain) noexcept;
  void sort_in(thread* chain) noexcept;
  void sort_newcomers_in();
  [[nodiscard]] bool recover(lua_State* L, thread* outer);
  [[nodiscard]] bool may_have_dropped_sockets() const noexcept;
  [[nodiscard]] bool guards(lua_State* L, int index, const thread& guarded) const;
  [[nodiscard]] bool push_callback(lua_State* L, callback which) const;

  state& shared_;
  lua_State* lua_;
  lua_State* idle_;  // what `lua_` is outside of turns
  copas::loop loop_;
  anchors anchors_;
  lua::origins origins_;
  int guards_ = LUA_NOREF;  // weak keys: coroutine to guard
  lua_State* scratch_ = nullptr;
  int prepared_ = 0;  // where on the shelf: the functions that turns call
  timeouts timeouts_;
  garbage garbage_;
  std::vector<thread*> buckets_;  // a hash table of the threads by their coroutines
  thread* newcomers_ = nullptr;  // those that are not in it: most end before anybody looks for them
  std::size_t threads_ = 0;
  bool turning_ = false;  // a turn is in progress
  bool quiet_ = true;  // the last turn had no events
  bool closing_ = false;
  bool failed_ = false;  // the last turn ended with an error that was nobody's; a second one leaves the loop
  bool tracing_ = false;
  bool creates_by_callback_ = false;
  thread* guest_ = nullptr;
  step_inside* guest_step_ = nullptr;
  bool guest_loops_ = false;
  event exiting_;
  descriptor_table descriptors_;
  std::unique_ptr<stop_signals> signals_;
  lua::statistics statistics_;
};

}  // namespace copas::lua
