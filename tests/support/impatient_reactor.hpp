#pragma once

#include <chrono>
#include <memory>
#include <utility>

#include "support/reactor_decorator.hpp"

namespace copas::testing {

/// Real descriptors in virtual time: when the system has been quiet for a moment, time jumps to the deadline.
///
/// So no test sleeps, and no deadline passes because the machine is slow. An interrupted wait may jump, too.
class impatient_reactor final : public reactor_decorator {
 public:
  explicit impatient_reactor(std::unique_ptr<reactor> inner) noexcept
      : reactor_decorator{std::move(inner)}, now_{reactor_decorator::now()}, wall_{reactor_decorator::wall()} {}

  deadline now() noexcept override { return now_; }
  deadline coarse_now() noexcept override { return now_; }
  /// Looking takes a moment, so that whoever looks until a time has come gets there.
  std::chrono::nanoseconds wall() noexcept override {
    advance(glance);
    return wall_;
  }

  std::span<const io_event> wait(deadline until) override {
    if (until == never || until <= now_) return inner().wait(until == never ? never : deadline::min());
    const auto events = inner().wait(inner().now() + moment);
    if (events.empty()) advance(until - now_);
    return events;
  }

 private:
  void advance(std::chrono::nanoseconds by) noexcept {
    now_ += by;
    wall_ += by;
  }

  static constexpr std::chrono::microseconds glance{10};
  static constexpr std::chrono::milliseconds moment{2};  // for packets that are still on their way

  deadline now_;
  std::chrono::nanoseconds wall_;
};

}  // namespace copas::testing
