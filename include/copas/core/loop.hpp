#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <source_location>
#include <string>
#include <utility>

#include "copas/core/event_sources.hpp"
#include "copas/core/gathered_output.hpp"
#include "copas/core/loop_properties.hpp"
#include "copas/core/posted_jobs.hpp"
#include "copas/core/reactor.hpp"
#include "copas/core/task.hpp"
#include "copas/core/task_record.hpp"
#include "copas/core/timers.hpp"
#include "copas/core/wait_list.hpp"

namespace copas {

/// The dispatcher of one thread: finds out what can go on, and lets it go on, in a fair order.
///
/// A turn of the loop (1) asks the reactor for events, (2) runs what they woke, readers before writers, (3) makes
/// the waiters of due timers ready, and (4) runs once what was ready when this phase began. What becomes ready during
/// (2) runs in the same turn; during (4), in the next one.
///
/// Nothing here is locked: only `post` and `stop` may be called from other threads.
class loop {
 public:
  /// @param source  tells the time and waits; `system_reactor()` makes the one of this system.
  explicit loop(std::unique_ptr<reactor> source);
  loop(const loop&) = delete;
  loop& operator=(const loop&) = delete;
  /// Destroys all tasks and unlinks all operations that are still waiting.
  ~loop();

  // What users call.

  /// Starts a task in the next phase (4); the loop owns it. An exception that leaves it goes to the error handler.
  void spawn(task<void> body, std::source_location where = std::source_location::current());
  /// The same for a task with a name.
  void spawn(task<void> body, std::string name, std::source_location where = std::source_location::current());

  /// Runs until nothing is left that could happen: no task is ready, on a timer or waiting for a descriptor.
  ///
  /// @error  whatever the error handler throws; the loop is as it was and may be run again.
  void run();

  /// One turn.
  ///
  /// @param until  how long to wait for the first event, if nothing is ready; a past time polls.
  /// @return       whether a descriptor had an event.
  /// @pre          not called by a task of this loop.
  bool turn(deadline until = never);

  /// True when `run` would return: nothing is ready, no timer is set but such of `wait_kind::background`, and nobody waits
  /// for a descriptor.
  [[nodiscard]] bool finished() const noexcept;

  /// Cancels all tasks: those that wait end at once, those that run at their next wait.
  void cancel_all();

  /// Lets `run` return after the current turn, whatever is left to do. May be called from any thread, and from a signal
  /// handler.
  void stop() noexcept {
    stopping_ = true;
    reactor_->interrupt();
  }
  /// Was it asked to stop since this was called last?
  [[nodiscard]] bool take_stop() noexcept { return stopping_.exchange(false); }
  /// Was it asked to stop, and has nobody taken notice?
  [[nodiscard]] bool stopping() const noexcept { return stopping_.load(std::memory_order_relaxed); }

  /// Runs `job` in this loop's thread, in phase (4). May be called from any thread while the loop exists.
  void post(posted_jobs::job job) {
    posted_.add(std::move(job));
    reactor_->interrupt();
  }
  /// The same for jobs that were prepared before, which cannot fail.
  void post(posted_jobs::prepared&& jobs) noexcept {
    posted_.add(std::move(jobs));
    reactor_->interrupt();
  }

  /// Who is told of exceptions that leave a task. Without a handler they leave `run` or `turn`.
  void on_error(std::move_only_function<void(std::exception_ptr, const task_record&)> handler);

  /// What lives as long as the loop, but ends after all tasks.
  [[nodiscard]] loop_properties& properties() noexcept { return properties_; }

  /// What it asks of the system, which is also its clock: `io().after(5s)` is a deadline.
  [[nodiscard]] reactor& io() const noexcept { return *reactor_; }
  /// The running task; null between tasks.
  [[nodiscard]] task_record* current() const noexcept { return current_; }
  /// All tasks, for reports.
  [[nodiscard]] const task_list& tasks() const noexcept { return tasks_; }
  /// How many operations wait for something. Waits for a signal are not counted: they may outlive the loop.
  [[nodiscard]] std::size_t parked(wait_kind kind) const noexcept { return parked_[static_cast<std::size_t>(kind)]; }
  /// How many waiters have gone on since the loop was made.
  [[nodiscard]] std::uint64_t resumptions() const noexcept { return resumptions_; }
  /// How often the reactor was asked for events; what runs before it is asked again sees the same number.
  [[nodiscard]] std::uint64_t polls() const noexcept { return polls_; }
  /// When this turn began, to a few milliseconds, or the time that a few tasks took.
  [[nodiscard]] deadline turn_time() const noexcept { return turn_time_; }
  /// How many timers are set, those of `wait_kind::background` among them.
  [[nodiscard]] std::size_t timers() const noexcept { return timers_.size(); }
  /// Is some task ready to run?
  [[nodiscard]] bool busy() const noexcept {
    return !ready_.empty() || !running_.empty() || !next_turn_.empty() || !posted_.empty();
  }

  // What those call who have tasks of their own making.

  /// Lets a new task begin in phase (4), of this turn or the next.
  void schedule(task_record& fresh) noexcept { ready_.push_back(fresh); }
  /// The same, but during the readers' part of phase (2) it begins in that.
  void schedule_promptly(task_record& fresh) noexcept;
  /// Lets a new task begin now, inside of whatever runs, or outside of a turn.
  void run_at_once(task_record& fresh) { run_first(fresh); }

  // What awaitables call.

  /// Wakes `node`: its operation goes on in phase (4), of this turn or the next. The first wake counts.
  void schedule(wait_node& node, wake_reason why = wake_reason::event) noexcept;

  /// Wakes `node` because of an event: it runs in phase (2).
  void wake_by_event(wait_node& node) noexcept;

  /// Wakes `node` as an event of the next turn would: it runs in phase (2) of that, behind what events wake. One that was
  /// woken before keeps its place, but goes on for this reason.
  void wake_in_next_turn(wait_node& node, wake_reason why) noexcept;

  /// Like `schedule`, but a node woken during the readers' part of phase (2) still runs in it.
  void schedule_promptly(wait_node& node) noexcept;

  /// Like `schedule`, but in a turn it runs right after the node that runs now, of which it is the second half.
  void schedule_next(wait_node& node) noexcept;

  /// Lets a parked operation go on now, inside of whatever runs, or outside of a turn.
  void run_at_once(wait_node& node);

  /// Counts one operation finished without waiting; false if the task had its share and lets others run first.
  [[nodiscard]] bool within_budget() noexcept { return --budget_ > 0; }

  /// Holds output back until the task that runs waits or ends, or acts on something else than `whose`. There is one such
  /// output at a time: another one leaves first.
  void gather(gathered_output& output, const void* whose) noexcept {
    flush_gathered();
    gathered_ = &output;
    gatherer_ = whose;
  }
  /// Lets what is held back leave; without a task nothing is.
  void flush_gathered() noexcept {
    if (gathered_ != nullptr) [[unlikely]]
      std::exchange(gathered_, nullptr)->leave();
  }
  /// The same, unless it is that of `whose`.
  void flush_gathered_but(const void* whose) noexcept {
    if (gathered_ != nullptr && gatherer_ != whose) [[unlikely]]
      flush_gathered();
  }
  /// Forgets output that has left.
  void forget_gathered(const gathered_output& left) noexcept {
    if (gathered_ == &left) gathered_ = nullptr;
  }

  /// Who is told of events of descriptors.
  [[nodiscard]] event_sources& sources() noexcept { return sources_; }

  /// Operations that found no free descriptor wait here; `descriptor_freed` wakes them.
  [[nodiscard]] wait_list& starved() noexcept { return starved_; }
  /// A descriptor was closed: whoever waits for one tries again.
  void descriptor_freed() noexcept;
  /// Called when descriptors have run out; returns true if it may have freed some, so that trying again makes sense.
  std::move_only_function<bool()> on_descriptor_shortage;
  /// Asks that function; false if there is none.
  [[nodiscard]] bool free_descriptors() { return on_descriptor_shortage && on_descriptor_shortage(); }

  /// Called in each turn that asked the reactor, before anything runs. For statistics.
  std::move_only_function<void()> on_polled;

  /// Hands an exception that left `task` to the error handler.
  void report(std::exception_ptr error, const task_record& task) noexcept;

  /// To be called after something threw, or jumped, out of `turn`: the loop can then go on where it was left.
  /// @return  the task that ran; null if none did.
  task_record* recover() noexcept;

 private:
  friend class wait_node;
  friend class task_record;
  enum class phase : std::uint8_t { poll, readers, writers, timers, ready };

  [[nodiscard]] bool consistent() const;
  void ask_reactor(deadline until);
  using run_list = list<queued>;
  /// Is it a task that has not begun?
  [[nodiscard]] static bool is_new(const queued& next) noexcept {
    return static_cast<const queued*>(next.task_) == &next;
  }
  [[gnu::always_inline]] inline void run_all(run_list& due);
  void run_woken(run_list& due);
  void fire_timers() noexcept;
  void run_first(task_record& fresh);
  void run_node(wait_node& node);
  task_record* enter(task_record* task) noexcept;
  void leave(task_record* outer);
  void wake(wait_node& node, run_list& into, wake_reason why) noexcept;
  static void mark_woken(wait_node& node, wake_reason why) noexcept;
  [[nodiscard]] run_list& list_of_phase_2(const wait_node& node) noexcept;
  bool time_to_poll() noexcept;

  std::unique_ptr<reactor> reactor_;
  timer_queue timers_;
  event_sources sources_;
  run_list readers_, writers_;  // woken by events of this turn
  wait_list next_turn_;  // runs in phase (2) of the next turn
  run_list ready_;  // runs in the next phase (4)
  run_list running_;  // what is left of the current phase (4)
  wait_list starved_;
  task_list tasks_;
  std::array<std::size_t, wait_kinds> parked_{};
  task_record* current_ = nullptr;
  gathered_output* gathered_ = nullptr;  // of the task that runs
  const void* gatherer_ = nullptr;
  deadline turn_time_;
  std::uint64_t resumptions_ = 0;
  std::uint64_t polls_ = 0;
  std::uint64_t looked_at_ = 0;  // the clock: how many resumptions there had been
  int budget_ = 0;
  int turns_since_poll_ = 0;
  phase phase_ = phase::poll;
  bool had_events_ = false;
  std::atomic<bool> stopping_ = false;
  std::move_only_function<void(std::exception_ptr, const task_record&)> error_handler_;
  loop_properties properties_;
  std::exception_ptr failure_;  // leaves `turn` once the task that raised it has ended
  posted_jobs posted_;
};

}  // namespace copas
