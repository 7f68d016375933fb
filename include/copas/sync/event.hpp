#pragma once

#include <string_view>

#include "copas/core/loop.hpp"
#include "copas/core/wait_list.hpp"

namespace copas {

/// Something that happens once; tasks wait until it has, in the order in which they came.
class event {
 public:
  class wait_awaitable;

  explicit event(loop& home) noexcept : home_{home} {}

  /// It has happened: wakes all waiters, and later ones do not wait. Repeating this does nothing.
  void set() noexcept;
  /// It is still to happen, for those who wait from now on.
  void reset() noexcept { happened_ = false; }
  [[nodiscard]] bool happened() const noexcept { return happened_; }

  /// Waits until it has happened.
  /// @return  false if `until` passed first.
  [[nodiscard]] wait_awaitable wait(deadline until = never) noexcept;

 private:
  loop& home_;
  wait_list waiting_;
  bool happened_ = false;
};

class [[nodiscard]] event::wait_awaitable : public wait_node {
 public:
  wait_awaitable(event& awaited, deadline until) noexcept : wait_node{&awaited.home_, until}, event_{awaited} {}

  bool await_ready() const noexcept { return event_.happened(); }
  void await_suspend(waiter who) noexcept {
    park(who, wait_kind::signal);
    event_.waiting_.push_back(*this);
  }
  bool await_resume() const noexcept { return reason() != wake_reason::timed_out; }

  [[nodiscard]] std::string_view activity() const noexcept override { return "waiting for an event"; }

 private:
  event& event_;
};

inline event::wait_awaitable event::wait(deadline until) noexcept { return {*this, until}; }

}  // namespace copas
