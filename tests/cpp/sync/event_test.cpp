#include "copas/sync/event.hpp"

#include <gmock/gmock.h>

#include <memory>
#include <vector>

#include "copas/core/scope.hpp"
#include "copas/core/sleep.hpp"
#include "support/virtual_loop.hpp"

namespace copas {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;

class Event : public copas::testing::virtual_loop_test {
 protected:
  task<> wait(int id, deadline until = never) {
    const bool happened = co_await done.wait(until);
    log.push_back(happened ? id : -id);
  }

  event done{events};
  std::vector<int> log;
};

TEST_F(Event, HasNotHappenedAtFirst) { EXPECT_FALSE(done.happened()); }

TEST_F(Event, DoesNotLetAnybodyWaitWhenItHasHappened) {
  done.set();
  events.spawn(wait(1));

  poll();

  EXPECT_THAT(log, ElementsAre(1));
}

TEST_F(Event, WakesAllWaitersInTheOrderInWhichTheyCame) {
  for (int id = 1; id <= 3; ++id) events.spawn(wait(id));
  poll();

  done.set();
  events.run();

  EXPECT_THAT(log, ElementsAre(1, 2, 3));
}

TEST_F(Event, WakesOnceThoughItIsSetTwice) {
  events.spawn(wait(1));
  poll();

  done.set();
  done.set();
  events.run();

  EXPECT_THAT(log, ElementsAre(1));
}

TEST_F(Event, WakesThoseWhoWaitedThoughItIsResetBeforeTheyRun) {
  events.spawn(wait(1));
  poll();

  done.set();
  done.reset();
  events.spawn(wait(2, in(5ms)));
  events.run();

  EXPECT_THAT(log, ElementsAre(1, -2));
}

TEST_F(Event, GivesUpAtTheDeadline) {
  const deadline due = in(5ms);
  events.spawn(wait(1, due));

  events.run();

  EXPECT_THAT(log, ElementsAre(-1));
  EXPECT_EQ(system.now(), due);
}

TEST_F(Event, PrefersHavingHappenedToADeadlineThatIsPast) {
  done.set();
  events.spawn(wait(1, in(-5ms)));

  poll();

  EXPECT_THAT(log, ElementsAre(1));
}

TEST_F(Event, ForgetsAWaiterThatIsDestroyed) {
  scope waiting{events};
  waiting.spawn(wait(1));
  events.spawn(wait(2));
  poll();

  waiting.cancel();
  done.set();
  events.run();

  EXPECT_THAT(log, ElementsAre(2));
}

TEST_F(Event, ForgetsAWaiterThatIsDestroyedAfterItWasWoken) {
  scope waiting{events};
  waiting.spawn(wait(1));
  events.spawn(wait(2));
  poll();

  done.set();
  waiting.cancel();
  events.run();

  EXPECT_THAT(log, ElementsAre(2));
}

TEST_F(Event, UnlinksItsWaitersWhenItIsDestroyedFirst) {
  auto short_lived = std::make_unique<event>(events);
  bool resumed = false;
  auto body = [&]() -> task<> {
    resumed = co_await short_lived->wait(in(5ms));
    resumed = true;
  };
  events.spawn(body());
  poll();

  short_lived.reset();
  events.run();

  EXPECT_TRUE(resumed);
}

TEST_F(Event, MayBeDestroyedByOneOfItsWaiters) {
  auto short_lived = std::make_unique<event>(events);
  auto body = [&](int id) -> task<> {
    co_await short_lived->wait();
    short_lived.reset();
    log.push_back(id);
  };
  auto second = [&]() -> task<> {
    co_await short_lived->wait();
    log.push_back(2);
  };
  events.spawn(body(1));
  events.spawn(second());
  poll();

  short_lived->set();
  events.run();

  EXPECT_THAT(log, ElementsAre(1, 2));
}

TEST_F(Event, MayOutliveItsLoopTogetherWithItsWaiters) {
  auto own = std::make_unique<loop>(std::make_unique<copas::testing::virtual_reactor>());
  event late{*own};
  event::wait_awaitable outside{late, own->io().now() + 5ms};
  outside.await_suspend({[](void*) {}, nullptr});
  auto body = [&]() -> task<> { co_await late.wait(); };
  own->spawn(body());
  own->turn(own->io().now());

  own.reset();

  EXPECT_FALSE(late.happened());
}

}  // namespace
}  // namespace copas
