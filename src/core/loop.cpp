#include "copas/core/loop.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

#include "copas/core/scope.hpp"

namespace copas {
namespace {

constexpr int operations_per_slice = 64;  // without waiting, before a task must let others run
constexpr int turns_per_poll = 64;        // while tasks are always ready and nobody waits for a descriptor
constexpr std::uint64_t resumptions_per_look = 16;  // at the clock, meanwhile

}  // namespace

loop::loop(std::unique_ptr<reactor> source)
    : reactor_{std::move(source)}, timers_{reactor_->now()}, turn_time_{reactor_->now()} {}

loop::~loop() {
  while (!tasks_.empty()) tasks_.front().end();
  properties_.clear();
  while (timer_hook* set = timers_.pop_due(never)) schedule(static_cast<wait_node&>(*set));
  sources_.detach_all();
  descriptor_freed();  // so that, as above, nobody is counted as waiting in a loop that is gone
}

void loop::cancel_all() {
  task_list running;
  while (!tasks_.empty()) {
    task_record& first = tasks_.front();
    if (first.running_) running.push_back(tasks_.pop_front());
    first.cancel();
  }
  tasks_.splice(running);
}

void loop::run() {
  while (!(stopping() && take_stop()) && !finished()) turn();  // in this order, so that a stop is for this run only
}

bool loop::finished() const noexcept {
  return phase_ == phase::poll && !busy() && timers_.size() == parked(wait_kind::background) &&
         parked(wait_kind::read) == 0 && parked(wait_kind::write) == 0;
}

// Inlined into the turn, of which it is half where few tasks are ready.
inline void loop::run_all(run_list& due) {
  while (!due.empty()) {
    queued& next = due.pop_front();
    if (is_new(next)) {
      run_first(*next.task_);
    } else {
      run_node(static_cast<wait_node&>(next));
    }
  }
}

// Apart from the turn, for in many turns no event has woken anybody.
void loop::run_woken(run_list& due) { run_all(due); }

// Each phase leaves what it has not run yet in a list of the loop, so that after an error the next turn goes on there.
bool loop::turn(deadline until) {
  assert(current_ == nullptr);
  if (phase_ == phase::poll) {
    ask_reactor(until);
    phase_ = phase::readers;
  }
  if (phase_ == phase::readers) {
    if (!readers_.empty()) run_woken(readers_);
    phase_ = phase::writers;
  }
  if (phase_ == phase::writers) {
    if (!writers_.empty()) run_woken(writers_);
    phase_ = phase::timers;
  }
  if (phase_ == phase::timers) {
    fire_timers();
    running_.splice(ready_);
    phase_ = phase::ready;
    if (!posted_.empty()) posted_.run();
  }
  run_all(running_);
  phase_ = phase::poll;
  assert(consistent());
  return had_events_;
}

void loop::ask_reactor(deadline until) {
  had_events_ = false;
  const bool must_not_wait = busy() || !readers_.empty() || !writers_.empty();
  if (must_not_wait && until == never && next_turn_.empty() && !time_to_poll()) return;

  turns_since_poll_ = 0;
  ++polls_;
  const deadline limit = must_not_wait ? deadline::min() : std::min(until, timers_.next_deadline());
  const auto events = reactor_->wait(limit);
  turn_time_ = reactor_->coarse_now();
  if (on_polled) on_polled();
  for (const io_event& event : events) {
    if (event_source* const source = sources_.of(event)) {
      source->on_event(event);
      had_events_ = true;
    }
  }
  while (!next_turn_.empty()) {
    wait_node& next = next_turn_.pop_front();
    list_of_phase_2(next).push_back(next);
    had_events_ = true;
  }
}

bool loop::time_to_poll() noexcept {
  // A task may just have caused an event for another, which runs before whatever is ready.
  if (parked(wait_kind::read) > 0 || parked(wait_kind::write) > 0) return true;
  if (++turns_since_poll_ >= turns_per_poll) return true;
  if (resumptions_ - looked_at_ < resumptions_per_look) return false;
  looked_at_ = resumptions_;
  return reactor_->coarse_now() != turn_time_;
}

void loop::fire_timers() noexcept {
  if (timers_.empty()) return;
  const deadline now = reactor_->now();
  while (timer_hook* due = timers_.pop_due(now)) schedule(static_cast<wait_node&>(*due), wake_reason::timed_out);
}

void loop::run_first(task_record& fresh) {
  task_record* const outer = enter(&fresh);
  fresh.begin();
  leave(outer);
}

void loop::run_node(wait_node& node) {
  task_record* const outer = enter(node.task_);
  node.state_ = wait_node::state::idle;
  if (node.advance()) node.who_.resume();
  leave(outer);
}

// Makes it the running task; the result is for `leave`.
inline task_record* loop::enter(task_record* task) noexcept {
  task_record* const outer = std::exchange(current_, task);
  if (task != nullptr) task->running_ = true;
  budget_ = operations_per_slice;
  ++resumptions_;
  return outer;
}

inline void loop::leave(task_record* outer) {
  flush_gathered();
  task_record* const ran = std::exchange(current_, outer);  // null if it has ended
  if (ran != nullptr) {
    ran->running_ = false;
    if (ran->cancelled_) ran->end();
  }
  if (failure_) std::rethrow_exception(std::exchange(failure_, {}));
}

task_record* loop::recover() noexcept {
  flush_gathered();
  task_record* const ran = std::exchange(current_, nullptr);
  if (ran != nullptr) ran->running_ = false;
  return ran;
}

void loop::mark_woken(wait_node& node, wake_reason why) noexcept {
  node.leave();
  node.state_ = wait_node::state::woken;
  node.reason_ = why;
  if (node.task_ != nullptr && node.task_->wants_wake_) [[unlikely]]
    node.task_->on_wake();
}

void loop::wake(wait_node& node, run_list& into, wake_reason why) noexcept {
  mark_woken(node, why);
  into.push_back(node);
}

loop::run_list& loop::list_of_phase_2(const wait_node& node) noexcept {
  return node.kind_ == wait_kind::write ? writers_ : readers_;
}

void loop::schedule(wait_node& node, wake_reason why) noexcept { wake(node, ready_, why); }

void loop::wake_by_event(wait_node& node) noexcept { wake(node, list_of_phase_2(node), wake_reason::event); }

void loop::wake_in_next_turn(wait_node& node, wake_reason why) noexcept {
  if (node.woken()) {
    node.reason_ = why;
    return;
  }
  mark_woken(node, why);
  next_turn_.push_back(node);
}

void loop::run_at_once(wait_node& node) {
  schedule(node);
  node.unlink();
  run_node(node);
}

void loop::schedule_promptly(wait_node& node) noexcept {
  wake(node, phase_ == phase::readers ? readers_ : ready_, wake_reason::event);
}

void loop::schedule_promptly(task_record& fresh) noexcept {
  (phase_ == phase::readers ? readers_ : ready_).push_back(fresh);
}

void loop::schedule_next(wait_node& node) noexcept {
  schedule(node);
  if (phase_ == phase::poll) return;
  node.unlink();
  (phase_ == phase::readers ? readers_ : phase_ == phase::writers ? writers_ : running_).push_front(node);
}

void loop::descriptor_freed() noexcept {
  while (!starved_.empty()) schedule(starved_.front());
}

void loop::on_error(std::move_only_function<void(std::exception_ptr, const task_record&)> handler) {
  error_handler_ = std::move(handler);
}

void loop::report(std::exception_ptr error, const task_record& task) noexcept {
  if (!error_handler_) {
    failure_ = std::move(error);
    return;
  }
  try {
    error_handler_(std::move(error), task);
  } catch (...) {
    failure_ = std::current_exception();
  }
}

}  // namespace copas
