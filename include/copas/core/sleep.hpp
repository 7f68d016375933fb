#pragma once

#include <chrono>
#include <string_view>

#include "copas/core/loop.hpp"

namespace copas {

/// Waits for time to pass, or for `wake`.
class [[nodiscard]] sleep_awaitable : public wait_node {
 public:
  sleep_awaitable(loop& home, deadline until) noexcept : wait_node{&home, until} {}

  bool await_ready() const noexcept { return false; }
  void await_suspend(waiter who) noexcept { park(who, until() == never ? wait_kind::signal : wait_kind::time); }
  /// What ended it: `timed_out` when the time has passed, `event` after `wake`.
  wake_reason await_resume() const noexcept { return reason(); }

  /// Ends it early.
  /// @return  false if it does not sleep any more.
  bool wake() noexcept {
    if (!parked()) return false;
    home()->schedule(*this);
    return true;
  }

  [[nodiscard]] std::string_view activity() const noexcept override { return "sleeping"; }
};

/// Lets everything run that is ready.
class [[nodiscard]] yield_awaitable : public wait_node {
 public:
  explicit yield_awaitable(loop& home) noexcept : wait_node{&home, never} {}

  bool await_ready() const noexcept { return false; }
  void await_suspend(waiter who) noexcept { queue_up(who); }
  void await_resume() const noexcept {}

  [[nodiscard]] std::string_view activity() const noexcept override { return "ready"; }
};

/// Sleeps for at least `time`.
inline sleep_awaitable sleep_for(loop& home, std::chrono::nanoseconds time) noexcept {
  return {home, home.io().after(time)};
}
/// Sleeps until `until` at least; for ever, if nobody calls `wake`, when that is `never`.
inline sleep_awaitable sleep_until(loop& home, deadline until) noexcept { return {home, until}; }
/// Goes to the back of the queue of ready tasks.
inline yield_awaitable yield(loop& home) noexcept { return yield_awaitable{home}; }

}  // namespace copas
