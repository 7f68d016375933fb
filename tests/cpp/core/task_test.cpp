#include "copas/core/task.hpp"

#include <gmock/gmock.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "copas/core/sleep.hpp"
#include "support/virtual_loop.hpp"

// Symmetric transfer needs tail calls: without them each task that finishes at once leaves a frame on the stack.
// Sanitizers forbid them to GCC, and so does a build without optimisation.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(__OPTIMIZE__)
#define COPAS_TEST_TAIL_CALLS 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define COPAS_TEST_TAIL_CALLS 0
#endif
#endif
#ifndef COPAS_TEST_TAIL_CALLS
#define COPAS_TEST_TAIL_CALLS 1
#endif

namespace copas {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;

constexpr int many = COPAS_TEST_TAIL_CALLS ? 1'000'000 : 100;

class Task : public copas::testing::virtual_loop_test {
 protected:
  // Writes down when it is destroyed.
  struct mark {
    std::vector<std::string>& log;
    std::string what;
    ~mark() { log.push_back(what); }
  };

  task<int> number(int value) { co_return value; }
  task<int> number_later(int value) {
    co_await sleep_for(events, 1ms);
    co_return value;
  }

  std::vector<std::string> log;
};

TEST_F(Task, DoesNotRunBeforeItIsAwaited) {
  bool ran = false;
  auto body = [&]() -> task<> {
    ran = true;
    co_return;
  };

  {
    const task<> never_awaited = body();
  }

  EXPECT_FALSE(ran);
}

TEST_F(Task, GivesItsValueToItsAwaiter) {
  int sum = 0;
  auto body = [&]() -> task<> { sum = co_await number(40) + co_await number_later(2); };
  events.spawn(body());

  events.run();

  EXPECT_EQ(sum, 42);
}

TEST_F(Task, MovesAValueThatCannotBeCopied) {
  auto make = [&]() -> task<std::unique_ptr<int>> {
    co_await yield(events);
    co_return std::make_unique<int>(7);
  };
  std::unique_ptr<int> got;
  auto body = [&]() -> task<> { got = co_await make(); };
  events.spawn(body());

  events.run();

  ASSERT_NE(got, nullptr);
  EXPECT_EQ(*got, 7);
}

TEST_F(Task, HoldsAValueThatHasNoDefault) {
  struct point {
    explicit point(int at) : x{at} {}
    int x;
  };
  auto make = []() -> task<point> { co_return point{5}; };
  int got = 0;
  auto body = [&]() -> task<> { got = (co_await make()).x; };
  events.spawn(body());

  events.run();

  EXPECT_EQ(got, 5);
}

TEST_F(Task, GivesItsExceptionToItsAwaiter) {
  auto fail = [&](bool wait) -> task<int> {
    if (wait) co_await yield(events);
    throw std::runtime_error{"inner"};
  };
  auto body = [&]() -> task<> {
    for (const bool wait : {false, true}) {
      try {
        co_await fail(wait);
      } catch (const std::runtime_error& error) {
        log.emplace_back(error.what());
      }
    }
  };
  events.spawn(body());

  events.run();

  EXPECT_THAT(log, ElementsAre("inner", "inner"));
}

TEST_F(Task, PassesAnExceptionThroughAllAwaiters) {
  auto inner = [&]() -> task<> {
    const mark leaving{log, "inner"};
    co_await yield(events);
    throw std::runtime_error{"deep"};
  };
  auto middle = [&]() -> task<> {
    const mark leaving{log, "middle"};
    co_await inner();
  };
  auto outer = [&]() -> task<> {
    try {
      co_await middle();
    } catch (const std::exception& error) {
      log.emplace_back(error.what());
    }
  };
  events.spawn(outer());

  events.run();

  EXPECT_THAT(log, ElementsAre("inner", "middle", "deep"));
}

TEST_F(Task, RunsInTheTaskThatAwaitsIt) {
  const task_record* outer = nullptr;
  const task_record* inner = nullptr;
  auto child = [&]() -> task<> {
    co_await yield(events);
    inner = events.current();
  };
  auto parent = [&]() -> task<> {
    outer = events.current();
    co_await child();
  };
  events.spawn(parent());

  events.run();

  EXPECT_NE(outer, nullptr);
  EXPECT_EQ(inner, outer);
}

TEST_F(Task, KeepsTheStackFlatInALoopOverTasksThatFinishAtOnce) {
  long sum = 0;
  auto body = [&]() -> task<> {
    for (int round = 0; round < many; ++round) sum += co_await number(1);
  };
  events.spawn(body());

  events.run();

  EXPECT_EQ(sum, many);
}

TEST_F(Task, KeepsTheStackFlatInADeepRecursion) {
  struct recursion {
    static task<int> depth(loop& home, int left) {
      if (left == 0) {
        co_await yield(home);
        co_return 0;
      }
      co_return 1 + co_await depth(home, left - 1);
    }
  };
  int depth = 0;
  auto body = [&]() -> task<> { depth = co_await recursion::depth(events, many / 10); };
  events.spawn(body());

  events.run();

  EXPECT_EQ(depth, many / 10);
}

TEST_F(Task, DestroysItsLocalVariablesWhenItIsDestroyedWhileItWaits) {
  auto inner = [&]() -> task<> {
    const mark local{log, "inner"};
    co_await sleep_for(events, 1s);
    log.emplace_back("never");
  };
  auto outer = [&]() -> task<> {
    const mark local{log, "outer"};
    co_await inner();
    log.emplace_back("never");
  };
  events.spawn(outer());
  poll();
  EXPECT_THAT(log, ElementsAre());

  const_cast<task_record&>(events.tasks().front()).cancel();

  EXPECT_THAT(log, ElementsAre("inner", "outer"));
  EXPECT_EQ(events.timers(), 0U);
  EXPECT_TRUE(events.finished());
}

TEST_F(Task, DestroysItsParametersWhenItIsNeverAwaited) {
  auto held = std::make_shared<int>(0);
  auto body = [](std::shared_ptr<int>) -> task<> { co_return; };

  {
    const task<> dropped = body(held);
    EXPECT_EQ(held.use_count(), 2);
  }

  EXPECT_EQ(held.use_count(), 1);
}

TEST_F(Task, IsEmptyAfterItWasMovedFrom) {
  auto held = std::make_shared<int>(0);
  auto body = [](std::shared_ptr<int>) -> task<> { co_return; };
  task<> first = body(held);

  task<> second = std::move(first);
  EXPECT_EQ(held.use_count(), 2);
  second = body(nullptr);

  EXPECT_EQ(held.use_count(), 1);
}

TEST_F(Task, DestroysTheOneThatIsAssignedTo) {
  auto held = std::make_shared<int>(0);
  auto body = [](std::shared_ptr<int>) -> task<> { co_return; };
  task<> kept = body(held);

  kept = body(nullptr);

  EXPECT_EQ(held.use_count(), 1);
}

}  // namespace
}  // namespace copas
