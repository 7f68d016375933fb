#pragma once

#include <gtest/gtest.h>

#include <concepts>
#include <optional>
#include <utility>

#include "copas/core/loop.hpp"
#include "copas/core/task.hpp"

namespace copas::testing {

/// Turns the loop until `body` has ended, whatever else waits; its result, or its exception.
template <class T>
T run(loop& events, task<T> body) {
  std::optional<T> result;
  auto keep = [](task<T> inner, std::optional<T>& into) -> task<> { into.emplace(co_await std::move(inner)); };
  events.spawn(keep(std::move(body), result), "the test");
  while (!result) events.turn();
  return *std::move(result);
}

inline void run(loop& events, task<void> body) {
  bool ended = false;
  auto note = [](task<void> inner, bool& flag) -> task<> {
    co_await std::move(inner);
    flag = true;
  };
  events.spawn(note(std::move(body), ended), "the test");
  while (!ended) events.turn();
}

/// Turns the loop until `condition` holds.
template <std::predicate Condition>
void turn_until(loop& events, Condition condition) {
  while (!condition()) events.turn();
}

/// Turns the loop until it would have to wait for something from outside: what is ready, and what the system reports
/// already, has happened.
inline void settle(loop& events) {
  for (int quiet = 0; quiet < 3;) quiet = events.turn(deadline::min()) || events.busy() ? 0 : quiet + 1;
}

}  // namespace copas::testing
