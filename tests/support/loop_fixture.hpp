#pragma once

#include <stdexcept>
#include <string>
#include <vector>

#include "support/virtual_loop.hpp"

namespace copas::testing {

/// Tests of the loop by tasks that say that they ran, or fail.
class Loop : public virtual_loop_test {
 protected:
  task<> append(int value) {
    log.push_back(value);
    co_return;
  }
  static task<> fail(std::string why) {
    throw std::runtime_error{why};
    co_return;
  }

  std::vector<int> log;
};

}  // namespace copas::testing
