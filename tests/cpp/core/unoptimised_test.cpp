// Compiled without optimisation, as users compile while they debug: g++ makes no tail calls then, so that control which is
// transferred from coroutine to coroutine stays on the stack.
#include <gmock/gmock.h>

#include "copas/core/sleep.hpp"
#include "copas/core/task.hpp"
#include "support/virtual_loop.hpp"

namespace copas {
namespace {

using namespace std::chrono_literals;

constexpr int many = 300'000;  // with a frame on the stack for each, some 30 MB

class Unoptimised : public copas::testing::virtual_loop_test {
 protected:
  static task<int> number(int value) { co_return value; }
  static task<int> number_of_another(int value) { co_return co_await number(value); }
  static task<> nothing() { co_return; }
};

TEST_F(Unoptimised, KeepsTheStackFlatInALoopOverTasksThatFinishAtOnce) {
  long sum = 0;
  auto body = [&]() -> task<> {
    for (int round = 0; round < many; ++round) {
      sum += co_await number_of_another(1);
      co_await nothing();
    }
  };
  events.spawn(body());

  events.run();

  EXPECT_EQ(sum, many);
}

TEST_F(Unoptimised, KeepsTheStackFlatAfterATaskThatHasWaited) {
  long sum = 0;
  auto waits = [&]() -> task<> { co_await sleep_for(events, 1ms); };
  auto body = [&]() -> task<> {
    co_await waits();
    for (int round = 0; round < many; ++round) sum += co_await number(1);
  };
  events.spawn(body());

  events.run();

  EXPECT_EQ(sum, many);
}

}  // namespace
}  // namespace copas
