#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <source_location>
#include <string>

#include "copas/core/loop.hpp"
#include "copas/core/task.hpp"

namespace copas {

/// Whether a timer repeats.
enum class timer_mode : bool { once, recurring };

/// Calls a coroutine after a delay, once or again and again, in a task of its own.
///
/// The delay of a recurring timer starts anew when its callback has finished: calls never overlap, and none is made up
/// for. A callback that is in progress finishes whatever becomes of the timer: when it is cancelled, armed again or
/// destroyed. An exception that leaves the callback goes to the loop's error handler; a recurring timer goes on.
class timer {
 public:
  using callback = std::function<task<>()>;

  /// Makes a timer that is not armed.
  ///
  /// @param action  called each time; lives as long as the timer or a call of it.
  /// @param delay   before each call; not negative.
  timer(loop& home, callback action, std::chrono::nanoseconds delay, timer_mode mode = timer_mode::once,
        std::string name = "timer", std::source_location where = std::source_location::current());
  timer(timer&&) noexcept = default;
  timer& operator=(timer&&) = delete;
  ~timer() { cancel(); }

  /// Starts the delay.
  /// @return  false if it is armed already; nothing happens then.
  bool arm();
  /// Starts with another delay before the first call.
  bool arm(std::chrono::nanoseconds initial_delay);

  /// Prevents further calls.
  /// @return  false if it was not armed.
  bool cancel() noexcept;

  /// Is there a call to come? A timer that goes off once is disarmed before its callback runs.
  [[nodiscard]] bool armed() const noexcept;

 private:
  struct shared;
  class delay_awaitable;
  static task<> run(std::shared_ptr<shared> self, std::uint64_t arming, std::chrono::nanoseconds delay);

  std::shared_ptr<shared> shared_;  // with the task that waits, or runs the callback; null when moved from
};

}  // namespace copas
