#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <memory>

#include "copas/core/loop.hpp"
#include "support/virtual_reactor.hpp"

namespace copas::testing {

/// A suite with a loop in virtual time.
class virtual_loop_test : public ::testing::Test {
 public:
  virtual_loop_test() : virtual_loop_test{std::make_unique<virtual_reactor>()} {}

  [[nodiscard]] deadline in(std::chrono::nanoseconds time) noexcept { return system.now() + time; }
  /// A turn that does not wait.
  bool poll() { return events.turn(system.now()); }
  /// Turns that do not wait, until nothing is ready.
  void run_until_idle() {
    do poll();
    while (events.busy());
  }

  virtual_reactor& system;  // the loop's reactor
  loop events;

 private:
  explicit virtual_loop_test(std::unique_ptr<virtual_reactor> made) : system{*made}, events{std::move(made)} {}
};

}  // namespace copas::testing
