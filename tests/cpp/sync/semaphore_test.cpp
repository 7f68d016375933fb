#include "copas/sync/semaphore.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "copas/core/scope.hpp"
#include "copas/core/sleep.hpp"
#include "support/allocation_counter.hpp"
#include "support/outcome.hpp"
#include "support/virtual_loop.hpp"

namespace copas {
namespace {

using namespace std::chrono_literals;
using copas::testing::destroyed;
using copas::testing::error_of;
using copas::testing::none;
using copas::testing::timed_out;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

const std::error_code too_many = errc::too_many;

class Semaphore : public copas::testing::virtual_loop_test {
 protected:
  task<> take(int id, semaphore::count units = 1, deadline until = never) {
    const result<void> taken = co_await store->take(units, until);
    log.emplace_back(id, error_of(taken));
  }

  std::optional<semaphore> store{std::in_place, events, 5};
  std::vector<std::pair<int, std::error_code>> log;
};

TEST_F(Semaphore, HasNoUnitsAtFirst) {
  EXPECT_EQ(store->available(), 0);
  EXPECT_EQ(store->wanted(), 0);
}

TEST_F(Semaphore, HasTheUnitsItStartsWith) {
  const semaphore started{events, 5, 3};

  EXPECT_EQ(started.available(), 3);
}

TEST_F(Semaphore, MayStartWithMoreThanItsMaximum) {
  semaphore started{events, 2, 4};

  EXPECT_TRUE(started.try_take(4));
}

TEST_F(Semaphore, GivesWhatIsThereWithoutWaiting) {
  EXPECT_TRUE(store->give(3));
  events.spawn(take(1, 2));

  poll();

  EXPECT_THAT(log, ElementsAre(Pair(1, none)));
  EXPECT_EQ(store->available(), 1);
}

TEST_F(Semaphore, LetsWaitWhoeverFindsTooFew) {
  EXPECT_TRUE(store->give(1));
  events.spawn(take(1, 2));

  run_until_idle();

  EXPECT_THAT(log, IsEmpty());
  EXPECT_EQ(store->wanted(), 2);
  EXPECT_EQ(store->available(), 1);
}

TEST_F(Semaphore, HandsUnitsToWaitersInTheOrderInWhichTheyCame) {
  for (int id = 1; id <= 3; ++id) events.spawn(take(id));
  poll();

  EXPECT_TRUE(store->give());
  EXPECT_TRUE(store->give());
  run_until_idle();

  EXPECT_THAT(log, ElementsAre(Pair(1, none), Pair(2, none)));
}

TEST_F(Semaphore, TakesUnitsFromTheStoreWhenTheyAreGivenNotWhenTheWaiterRuns) {
  events.spawn(take(1, 2));
  poll();

  EXPECT_TRUE(store->give(3));

  EXPECT_THAT(log, IsEmpty());
  EXPECT_EQ(store->available(), 1);
  EXPECT_EQ(store->wanted(), 0);
}

TEST_F(Semaphore, DoesNotServeASmallDemandBehindALargeOne) {
  events.spawn(take(1, 3));
  events.spawn(take(2, 1));
  poll();

  EXPECT_TRUE(store->give(1));
  run_until_idle();

  EXPECT_THAT(log, IsEmpty());
  EXPECT_EQ(error_of(store->try_take(1)), timed_out);
}

TEST_F(Semaphore, LetsNobodyBargeInWhileSomebodyWaits) {
  events.spawn(take(1, 3));
  poll();
  EXPECT_TRUE(store->give(2));

  events.spawn(take(2, 1));
  run_until_idle();
  EXPECT_TRUE(store->give(2));
  run_until_idle();

  EXPECT_THAT(log, ElementsAre(Pair(1, none), Pair(2, none)));
}

TEST_F(Semaphore, LetsNobodyTakeWhatWasGrantedToAWaiterThatHasNotRunYet) {
  events.spawn(take(1));
  poll();
  EXPECT_TRUE(store->give());

  EXPECT_EQ(error_of(store->try_take()), timed_out);
}

TEST_F(Semaphore, GivesNothingAtOnceWhenNobodyWaits) { EXPECT_TRUE(store->try_take(0)); }

TEST_F(Semaphore, LetsWhoWantsNothingWaitForItsTurn) {
  events.spawn(take(1, 2));
  events.spawn(take(2, 0));
  run_until_idle();
  EXPECT_THAT(log, IsEmpty());

  EXPECT_TRUE(store->give(2));
  run_until_idle();

  EXPECT_THAT(log, ElementsAre(Pair(1, none), Pair(2, none)));
}

TEST_F(Semaphore, RefusesMoreThanItCanEverHave) {
  events.spawn(take(1, 6));

  poll();

  EXPECT_THAT(log, ElementsAre(Pair(1, too_many)));
  EXPECT_EQ(error_of(store->try_take(6)), too_many);
}

TEST_F(Semaphore, KeepsNoMoreThanItsMaximum) {
  EXPECT_TRUE(store->give(4));

  EXPECT_FALSE(store->give(2));

  EXPECT_EQ(store->available(), 5);
}

TEST_F(Semaphore, ServesWaitersFromWhatFits) {
  for (int id = 1; id <= 3; ++id) events.spawn(take(id, 3));
  poll();

  EXPECT_FALSE(store->give(9));
  run_until_idle();

  EXPECT_THAT(log, ElementsAre(Pair(1, none)));
  EXPECT_EQ(store->available(), 2);
}

TEST_F(Semaphore, GivesUpAtTheDeadline) {
  const deadline due = in(5ms);
  events.spawn(take(1, 1, due));

  events.run();

  EXPECT_THAT(log, ElementsAre(Pair(1, timed_out)));
  EXPECT_EQ(system.now(), due);
  EXPECT_EQ(store->wanted(), 0);
}

TEST_F(Semaphore, PrefersUnitsToADeadlineThatIsPast) {
  EXPECT_TRUE(store->give());
  events.spawn(take(1, 1, in(-5ms)));

  poll();

  EXPECT_THAT(log, ElementsAre(Pair(1, none)));
}

TEST_F(Semaphore, ServesOneWhoseTimeHasPassedIfUnitsComeBeforeItsTurn) {
  auto give = [&]() -> task<> {
    co_await sleep_for(events, 5ms);
    EXPECT_TRUE(store->give());
  };
  events.spawn(give());
  events.spawn(take(1, 1, in(5ms)));

  events.run();

  EXPECT_THAT(log, ElementsAre(Pair(1, none)));
  EXPECT_EQ(store->available(), 0);
}

TEST_F(Semaphore, HasNoTimerLeftWhenAWaiterWasServed) {
  events.spawn(take(1, 1, in(1h)));
  poll();

  EXPECT_TRUE(store->give());

  EXPECT_EQ(events.timers(), 0U);
}

TEST_F(Semaphore, ServesThoseBehindAWaiterThatTimedOut) {
  EXPECT_TRUE(store->give(2));
  events.spawn(take(1, 3, in(5ms)));
  events.spawn(take(2, 1));
  events.spawn(take(3, 1));

  events.run();

  EXPECT_THAT(log, ElementsAre(Pair(1, timed_out), Pair(2, none), Pair(3, none)));
}

TEST_F(Semaphore, ServesThoseBehindAWaiterThatWasCancelled) {
  EXPECT_TRUE(store->give(2));
  scope waiting{events};
  waiting.spawn(take(1, 3));
  events.spawn(take(2, 2));
  poll();

  waiting.cancel();
  run_until_idle();

  EXPECT_THAT(log, ElementsAre(Pair(2, none)));
  EXPECT_EQ(store->wanted(), 0);
}

TEST_F(Semaphore, PassesOnWhatACancelledWaiterHadBeenGranted) {
  scope waiting{events};
  waiting.spawn(take(1, 2));
  events.spawn(take(2, 1));
  poll();
  EXPECT_TRUE(store->give(2));

  waiting.cancel();
  run_until_idle();

  EXPECT_THAT(log, ElementsAre(Pair(2, none)));
  EXPECT_EQ(store->available(), 1);
}

TEST_F(Semaphore, ForgetsAWaiterThatIsCancelledAfterItsTimeHasPassed) {
  scope waiting{events};
  auto cancel = [&]() -> task<> {
    co_await sleep_for(events, 5ms);
    waiting.cancel();
  };
  EXPECT_TRUE(store->give(1));
  events.spawn(cancel());
  waiting.spawn(take(1, 2, in(5ms)));
  events.spawn(take(2, 1));

  events.run();

  EXPECT_THAT(log, ElementsAre(Pair(2, none)));
}

TEST_F(Semaphore, WakesAllWaitersWhenItIsDestroyed) {
  for (int id = 1; id <= 8; ++id) events.spawn(take(id, 1, id % 2 == 0 ? in(1h) : never));
  poll();

  store->destroy();
  run_until_idle();

  ASSERT_EQ(log.size(), 8U);
  for (int id = 1; id <= 8; ++id) EXPECT_THAT(log[static_cast<std::size_t>(id) - 1], Pair(id, destroyed));
  EXPECT_EQ(events.timers(), 0U);
  EXPECT_EQ(store->wanted(), 0);
}

TEST_F(Semaphore, DoesNothingMoreOnceItIsDestroyed) {
  EXPECT_TRUE(store->give(1));
  store->destroy();
  store->destroy();
  events.spawn(take(1));

  poll();

  EXPECT_TRUE(store->destroyed());
  EXPECT_FALSE(store->give());
  EXPECT_EQ(error_of(store->try_take()), destroyed);
  EXPECT_THAT(log, ElementsAre(Pair(1, destroyed)));
}

TEST_F(Semaphore, TakesBackWhatAWaiterWasGrantedThatHasNotRunSinceWhenItIsDestroyed) {
  events.spawn(take(1));
  events.spawn(take(2));
  poll();
  EXPECT_TRUE(store->give());

  store->destroy();
  run_until_idle();

  EXPECT_THAT(log, ElementsAre(Pair(1, destroyed), Pair(2, destroyed)));
}

TEST_F(Semaphore, WakesAllWaitersWhenItGoes) {
  events.spawn(take(1));
  events.spawn(take(2));
  events.spawn(take(3, 1, in(1h)));
  poll();
  EXPECT_TRUE(store->give());

  store.reset();
  run_until_idle();

  EXPECT_THAT(log, ElementsAre(Pair(1, destroyed), Pair(2, destroyed), Pair(3, destroyed)));
}

TEST_F(Semaphore, MayGoBeforeItsWaitersAreCancelled) {
  scope waiting{events};
  for (int id = 1; id <= 3; ++id) waiting.spawn(take(id));
  waiting.spawn(take(4, 1, in(5ms)));
  poll();
  EXPECT_TRUE(store->give());

  store.reset();
  waiting.cancel();
  run_until_idle();

  EXPECT_THAT(log, IsEmpty());
}

TEST_F(Semaphore, MayGoWhenTheTimeOfAWaiterHasPassed) {
  auto destroy = [&]() -> task<> {
    co_await sleep_for(events, 5ms);
    store.reset();
  };
  events.spawn(destroy());
  events.spawn(take(1, 1, in(5ms)));

  events.run();

  EXPECT_THAT(log, ElementsAre(Pair(1, destroyed)));
}

TEST_F(Semaphore, MayBeDestroyedByOneOfItsWaiters) {
  auto destroy = [&]() -> task<> {
    EXPECT_TRUE(co_await store->take());
    store.reset();
  };
  events.spawn(destroy());
  events.spawn(take(1));
  poll();

  EXPECT_TRUE(store->give());
  run_until_idle();

  EXPECT_THAT(log, ElementsAre(Pair(1, destroyed)));
}

TEST_F(Semaphore, MayOutliveItsLoop) {
  auto own = std::make_unique<loop>(std::make_unique<copas::testing::virtual_reactor>());
  semaphore late{*own, 1};
  auto body = [&]() -> task<> { static_cast<void>(co_await late.take()); };
  for (int count = 0; count < 3; ++count) own->spawn(body());
  own->turn(own->io().now());
  EXPECT_TRUE(late.give());

  own.reset();

  EXPECT_EQ(late.wanted(), 0);
  EXPECT_EQ(late.available(), 1);
}

TEST_F(Semaphore, ServesTasksOfSeveralLoops) {
  loop other{std::make_unique<copas::testing::virtual_reactor>()};
  bool served = false;
  auto body = [&]() -> task<> {
    semaphore::take_awaitable taking{*store, other, 1, never};
    served = (co_await taking).has_value();
  };
  other.spawn(body());
  other.turn(other.io().now());

  EXPECT_TRUE(store->give());
  other.turn(other.io().now());

  EXPECT_TRUE(served);
}

#if COPAS_HAS_MEMORY_POOLS
TEST_F(Semaphore, AllocatesNothingWhetherItLetsWaitOrNot) {
  if (!copas::testing::counts_allocations()) GTEST_SKIP() << "allocations are not counted";
  std::size_t seen = 0;
  auto giver = [&]() -> task<> {
    for (;;) {
      store->give();
      co_await yield(events);
    }
  };
  auto taker = [&]() -> task<> {
    for (int count = 0; count < 200; ++count) {
      if (count == 100) seen = copas::testing::allocations();
      static_cast<void>(co_await store->take(1, in(1h)));
      EXPECT_TRUE(store->give());
      static_cast<void>(co_await store->take());
    }
    seen = copas::testing::allocations() - seen;
  };
  scope running{events};
  running.spawn(giver());
  running.spawn(taker());

  for (int turns = 0; turns < 500; ++turns) poll();

  EXPECT_EQ(seen, 0U);
}
#endif

// Linear time: with quadratic time each of these would take minutes.
class StressSemaphore : public Semaphore {
 protected:
  static constexpr int crowd = 100'000;

  void let_wait(scope& in_scope, deadline until = never) {
    EXPECT_TRUE(store->give(1));
    for (int id = 0; id < crowd; ++id) in_scope.spawn(take(id, 2, until));
    poll();
    ASSERT_EQ(store->wanted(), 2 * crowd);
  }
  [[nodiscard]] std::ptrdiff_t count(const std::error_code& outcome) const {
    return std::ranges::count(log, outcome, &std::pair<int, std::error_code>::second);
  }
};

TEST_F(StressSemaphore, DestroysACrowdOfWaiters) {
  scope waiting{events};
  let_wait(waiting);

  store->destroy();
  run_until_idle();

  EXPECT_EQ(count(destroyed), crowd);
}

TEST_F(StressSemaphore, TimesOutACrowdOfWaiters) {
  scope waiting{events};
  let_wait(waiting, in(1s));

  system.advance(1s);
  run_until_idle();

  EXPECT_EQ(count(timed_out), crowd);
  EXPECT_TRUE(store->try_take(1));
}

TEST_F(StressSemaphore, CancelsACrowdOfWaiters) {
  scope waiting{events};
  let_wait(waiting);
  EXPECT_TRUE(store->give(2));

  waiting.cancel();

  EXPECT_EQ(store->wanted(), 0);
  EXPECT_EQ(store->available(), 3);
}

}  // namespace
}  // namespace copas
