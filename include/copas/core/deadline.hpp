#pragma once

#include <chrono>

namespace copas {

/// Tag of the time line that waiting is measured on: it never jumps, and its zero means nothing.
///
/// It has no `now()`: what time it is, real or virtual, only a `clock` knows.
/// @see clock_gettime(2), CLOCK_MONOTONIC
struct monotonic {
  using duration = std::chrono::nanoseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<monotonic>;
  static constexpr bool is_steady = true;
};

/// The moment at which an operation gives up. Composite operations hand the same one to each of their parts.
using deadline = monotonic::time_point;

/// The deadline of whoever is willing to wait for ever.
inline constexpr deadline never = deadline::max();

/// Tells the time. A virtual one, advanced by hand, makes every test of waiting exact and instant.
class clock {
 public:
  clock() = default;
  clock(const clock&) = delete;
  clock& operator=(const clock&) = delete;
  virtual ~clock() = default;

  /// Now, as precisely as the system tells it.
  [[nodiscard]] virtual deadline now() noexcept = 0;

  /// Now, a few milliseconds old at most, at a fraction of the cost of `now()`.
  [[nodiscard]] virtual deadline coarse_now() noexcept { return now(); }

  /// Time since the Unix epoch; jumps when somebody sets the system's clock, so nothing waits on it.
  [[nodiscard]] virtual std::chrono::nanoseconds wall() noexcept = 0;

  /// `timeout` from now; never, if it reaches further than the clock does.
  [[nodiscard]] deadline after(std::chrono::nanoseconds timeout) noexcept {
    if (timeout == std::chrono::nanoseconds::max()) return never;
    const deadline start = now();
    return timeout > never - start ? never : start + timeout;
  }
};

}  // namespace copas
