#pragma once

#include <algorithm>
#include <chrono>
#include <system_error>

#include "copas/core/loop.hpp"
#include "copas/io/operation.hpp"

namespace copas {

/// An operation whose success the system does not announce: it is tried again after a pause, which doubles.
///
/// While it pauses it keeps its turn, and those who come meanwhile queue.
template <class Operation>
class [[nodiscard]] retried final : public Operation {
 public:
  using Operation::Operation;
  ~retried() override { let_next_try(); }

  [[nodiscard]] bool attempt() noexcept override {
    let_next_try();
    return Operation::attempt();
  }
  void give_up(std::error_code why) noexcept override {
    let_next_try();
    Operation::give_up(why);
  }
  [[nodiscard]] std::chrono::nanoseconds next_pause() noexcept override {
    return pause_ = std::clamp<std::chrono::nanoseconds>(2 * pause_, shortest, longest);
  }

 private:
  static constexpr std::chrono::milliseconds shortest{1};
  static constexpr std::chrono::milliseconds longest{50};

  // That an attempt failed does not prove that the next one would.
  void let_next_try() noexcept { this->on().ready().assume_ready(this->which()); }

  void wait_in_line() noexcept override {
    const readiness& at = this->on().ready();
    if (!at.vacant(this->which()) && !at.holds(*this)) return Operation::wait_in_line();
    if (!paused_) limit_ = this->until();
    paused_ = true;
    this->hold_turn();
    this->wake_at(std::min(limit_, this->home()->io().after(next_pause())));
  }
  [[nodiscard]] bool at_deadline() const noexcept override {
    return Operation::at_deadline() && (!paused_ || this->home()->io().now() >= limit_);
  }

  std::chrono::nanoseconds pause_{};
  deadline limit_;  // once it has paused: the deadline that it was given
  bool paused_ = false;
};

}  // namespace copas
