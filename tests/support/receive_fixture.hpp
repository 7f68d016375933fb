#pragma once

#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "support/reactors.hpp"
#include "support/run.hpp"
#include "support/streams.hpp"

namespace copas::testing {

/// A connection whose one end receives.
class Receive : public world_test {
 public:
  text get(receive_pattern pattern, std::string prefix = {}, deadline until = never) {
    return run(events, receive(events, wire.ours, pattern, std::move(prefix), until));
  }
  /// The same, until everything the system knows of has been seen.
  text get_until_now(receive_pattern pattern, std::string prefix = {}) {
    return get(pattern, std::move(prefix), events.io().now() + std::chrono::milliseconds{20});
  }

  connection wire;
};

/// What can be told only where data that is there can be read, and read in one piece.
class ReceiveAtOnce : public Receive {};

}  // namespace copas::testing
