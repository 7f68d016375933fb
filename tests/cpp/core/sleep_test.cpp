#include "copas/core/sleep.hpp"

#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "copas/io/system_reactor.hpp"
#include "support/virtual_loop.hpp"

namespace copas {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;

class Sleep : public copas::testing::virtual_loop_test {
 protected:
  std::vector<std::string> log;
};

TEST_F(Sleep, EndsExactlyWhenItsTimeHasPassed) {
  deadline woke{};
  auto body = [&]() -> task<> {
    co_await sleep_for(events, 1234567ns);
    woke = system.now();
  };
  events.spawn(body());
  const deadline due = in(1234567ns);

  events.run();

  EXPECT_EQ(woke, due);
}

TEST_F(Sleep, SaysThatItsTimeHasPassed) {
  wake_reason why{};
  auto body = [&]() -> task<> { why = co_await sleep_for(events, 5ms); };
  events.spawn(body());

  events.run();

  EXPECT_EQ(why, wake_reason::timed_out);
}

TEST_F(Sleep, EndsEarlyWhenItIsWoken) {
  sleep_awaitable rest{events, in(1h)};
  wake_reason why{};
  auto sleeper = [](sleep_awaitable& at, wake_reason& reason) -> task<> { reason = co_await at; };
  auto waker = [&]() -> task<> {
    co_await sleep_for(events, 5ms);
    EXPECT_TRUE(rest.wake());
    EXPECT_FALSE(rest.wake());
  };
  events.spawn(sleeper(rest, why));
  events.spawn(waker());
  const deadline due = in(5ms);

  events.run();

  EXPECT_EQ(why, wake_reason::event);
  EXPECT_EQ(system.now(), due);
}

TEST_F(Sleep, CannotBeWokenBeforeItBegins) {
  sleep_awaitable rest{events, in(5ms)};

  EXPECT_FALSE(rest.wake());
}

TEST_F(Sleep, ForEverDoesNotKeepTheLoopAlive) {
  auto body = [&]() -> task<> {
    co_await sleep_until(events, never);
    log.emplace_back("never");
  };
  events.spawn(body());

  events.run();

  EXPECT_THAT(log, ElementsAre());
}

TEST_F(Sleep, ForMoreThanTheClockCanTellIsForEver) {
  EXPECT_EQ(system.after(std::chrono::nanoseconds::max()), never);
  EXPECT_EQ(system.after(std::chrono::nanoseconds::max() - 1ns), never);
  EXPECT_EQ(system.after(5ms), in(5ms));
}

TEST_F(Sleep, ForNoTimeYields) {
  auto body = [&](std::string name) -> task<> {
    log.push_back(name);
    co_await sleep_for(events, 0ns);
    log.push_back(name);
  };
  events.spawn(body("a"));
  events.spawn(body("b"));
  events.spawn(body("c"));

  events.run();

  EXPECT_THAT(log, ElementsAre("a", "b", "c", "a", "b", "c"));
}

TEST_F(Sleep, ForATimeThatIsNegativeYields) {
  auto body = [&]() -> task<> { co_await sleep_for(events, -5s); };
  events.spawn(body());
  const deadline start = system.now();

  events.run();

  EXPECT_EQ(system.now(), start);
}

TEST_F(Sleep, MovesBothClocks) {
  const auto wall = system.wall();
  auto body = [&]() -> task<> { co_await sleep_for(events, 3h); };
  events.spawn(body());

  events.run();

  EXPECT_EQ(system.wall() - wall, 3h);
}

TEST_F(Sleep, OfManyEndsInOrder) {
  std::vector<int> woke;
  auto body = [&](int milliseconds) -> task<> {
    co_await sleep_for(events, std::chrono::milliseconds{milliseconds});
    woke.push_back(milliseconds);
  };
  for (int count = 1; count <= 1000; ++count) events.spawn(body(count * 7919 % 1009));

  events.run();

  EXPECT_EQ(woke.size(), 1000U);
  EXPECT_TRUE(std::ranges::is_sorted(woke));
}

TEST_F(Sleep, DoesNotEndEarlyOnTheSystemsClock) {
  loop own{system_reactor()};
  std::vector<bool> late_enough;
  auto body = [&](std::chrono::nanoseconds time) -> task<> {
    const deadline start = own.io().now();
    co_await sleep_for(own, time);
    late_enough.push_back(own.io().now() - start >= time);
  };
  for (const std::chrono::nanoseconds time : {1ns, 999ns, 1000ns, 150'000ns, 1'000'000ns, 1'000'001ns, 20'000'000ns}) {
    own.spawn(body(time));
  }

  own.run();

  EXPECT_THAT(late_enough, ::testing::AllOf(::testing::SizeIs(7), ::testing::Each(true)));
}

TEST_F(Sleep, LeavesNothingBehindWhenItIsDestroyed) {
  {
    auto body = [](loop& home) -> task<> { co_await sleep_for(home, 1h); };
    events.spawn(body(events));
    poll();
    EXPECT_EQ(events.timers(), 1U);
    const_cast<task_record&>(events.tasks().front()).cancel();
  }

  EXPECT_EQ(events.timers(), 0U);
  EXPECT_TRUE(events.finished());
}

TEST_F(Sleep, YieldGoesToTheBackOfTheQueue) {
  auto body = [&](std::string name) -> task<> {
    for (int round = 0; round < 2; ++round) {
      log.push_back(name);
      co_await yield(events);
    }
  };
  events.spawn(body("a"));
  events.spawn(body("b"));

  events.run();

  EXPECT_THAT(log, ElementsAre("a", "b", "a", "b"));
}

}  // namespace
}  // namespace copas
