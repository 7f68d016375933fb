#pragma once

#include <cstdint>
#include <string_view>

#include "copas/core/loop.hpp"
#include "copas/core/wait_list.hpp"
#include "lua/thread.hpp"

namespace copas::lua {

/// What `copas.step` is for a thread that may call it: it lets the others run, until the end of the turn in which one of
/// them has, or the time is over.
class step_inside final : public wait_node {
 public:
  /// @param current  is set to the step while it lasts, then to null; outlives it.
  step_inside(copas::loop& home, step_inside*& current, deadline until) noexcept
      : wait_node{&home, until}, current_{current} {}
  ~step_inside() override {
    if (current_ == this) current_ = nullptr;
  }

  [[nodiscard]] bool await_ready() const noexcept { return false; }
  void await_suspend(waiter who) noexcept {
    resumed_before_ = home()->resumptions();
    park(who, until() == never ? wait_kind::signal : wait_kind::time);
    current_ = this;
  }
  /// @return  whether a socket had an event.
  [[nodiscard]] bool await_resume() const noexcept { return had_events_; }

  [[nodiscard]] std::string_view activity() const noexcept override { return "stepping the loop"; }

  void turn_begins() noexcept { whole_ = true; }
  /// A turn has ended, perhaps the one in which the step began. Lets the thread go on if that was its step.
  void turn_ended(bool had_events) {
    if (home()->resumptions() == resumed_before_) return;
    had_events_ = whole_ && had_events;
    home()->run_at_once(*this);
  }

 private:
  // When its time is over it has still to wait for the end of the turn.
  bool advance() override {
    if (reason() != wake_reason::timed_out) return true;
    park_again();
    return false;
  }

  step_inside*& current_;
  std::uint64_t resumed_before_ = 0;
  bool whole_ = false;  // a turn has begun since
  bool had_events_ = false;
};

template <>
inline constexpr bool keeps_timeout<step_inside> = true;

}  // namespace copas::lua
