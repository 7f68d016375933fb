#pragma once

#include <chrono>
#include <cstddef>

#include "copas/core/loop.hpp"

namespace copas::lua {

/// How many steps a scheduler makes and how long its threads run in them; counted while somebody wants to know.
class statistics {
 public:
  using duration = std::chrono::nanoseconds;

  /// What was counted since the last report. Durations are those of what threads did in a step, without the waiting.
  struct report {
    std::size_t steps = 0;
    duration start{}, end{};  ///< on the wall clock
    duration total{}, shortest = duration::max(), longest{};
    duration shortest_ever = duration::max(), longest_ever{};  ///< since they were enabled
  };

  explicit statistics(loop& home) noexcept : loop_{home} {}

  /// Starts anew, or stops counting.
  void enable(bool wanted);
  [[nodiscard]] bool enabled() const noexcept { return enabled_; }

  /// Ends the period that began with the last call.
  [[nodiscard]] report take();

  // What a scheduler calls.

  void step_begun() noexcept {
    if (enabled_) begin();
  }
  void turn_ended() noexcept {
    if (enabled_) add_turn();
  }
  void step_ended() noexcept {
    if (enabled_) add_step();
  }

 private:
  void begin() noexcept;
  void add_turn() noexcept;
  void add_step() noexcept;

  loop& loop_;
  bool enabled_ = false;
  deadline mark_;  // since when threads have been running
  duration step_{};
  report counted_;
};

}  // namespace copas::lua
