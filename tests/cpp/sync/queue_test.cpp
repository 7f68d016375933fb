#include "copas/sync/queue.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "copas/core/scope.hpp"
#include "copas/core/sleep.hpp"
#include "support/allocation_counter.hpp"
#include "support/virtual_loop.hpp"

namespace copas {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

const std::string says_pushed = "pushed";
const std::string says_timed_out = make_error_code(errc::timed_out).message();
const std::string says_stopping = make_error_code(errc::stopping).message();
const std::string says_destroyed = make_error_code(errc::destroyed).message();

std::string text_of(const result<int>& popped) { return popped ? std::to_string(*popped) : popped.error().message(); }

class Queue : public copas::testing::virtual_loop_test {
 protected:
  std::string push(int item) {
    const auto outcome = jobs->push(item);
    return outcome ? says_pushed : outcome.error().message();
  }
  std::string try_pop() { return text_of(jobs->try_pop()); }
  task<> pop(int id, deadline until = never) { log.emplace_back(id, text_of(co_await jobs->pop(until))); }
  void run_until_idle() {
    do poll();
    while (events.busy());
  }

  std::optional<queue<int>> jobs{std::in_place, events};
  std::vector<std::pair<int, std::string>> log;
};

TEST_F(Queue, IsEmptyAndOpenAtFirst) {
  EXPECT_EQ(jobs->size(), 0U);
  EXPECT_FALSE(jobs->stopping());
  EXPECT_FALSE(jobs->destroyed());
  EXPECT_EQ(try_pop(), says_timed_out);
}

TEST_F(Queue, GivesItemsInTheOrderInWhichTheyWerePushed) {
  for (int item = 1; item <= 3; ++item) EXPECT_EQ(push(item), says_pushed);

  EXPECT_EQ(jobs->size(), 3U);
  EXPECT_EQ(try_pop(), "1");
  EXPECT_EQ(try_pop(), "2");
  EXPECT_EQ(try_pop(), "3");
  EXPECT_EQ(jobs->size(), 0U);
}

TEST_F(Queue, DoesNotLetWaitIfThereIsAnItem) {
  push(7);
  events.spawn(pop(1));

  poll();

  EXPECT_THAT(log, ElementsAre(Pair(1, "7")));
}

TEST_F(Queue, ServesThoseWhoWaitInTheOrderInWhichTheyCame) {
  for (int id = 1; id <= 3; ++id) events.spawn(pop(id));
  poll();

  for (int item = 7; item <= 9; ++item) push(item);
  run_until_idle();

  EXPECT_THAT(log, ElementsAre(Pair(1, "7"), Pair(2, "8"), Pair(3, "9")));
}

TEST_F(Queue, LetsNobodyHaveTheItemThatSomebodyWasWokenFor) {
  events.spawn(pop(1));
  poll();

  push(7);

  EXPECT_EQ(jobs->size(), 1U);
  EXPECT_EQ(try_pop(), says_timed_out);
  run_until_idle();
  EXPECT_THAT(log, ElementsAre(Pair(1, "7")));
  EXPECT_EQ(jobs->size(), 0U);
}

TEST_F(Queue, KeepsItemsInOrderThoughSomebodyPopsBeforeOneWhoWasWoken) {
  events.spawn(pop(1));
  poll();
  push(7);
  push(8);

  EXPECT_EQ(try_pop(), "7");
  run_until_idle();

  EXPECT_THAT(log, ElementsAre(Pair(1, "8")));
}

TEST_F(Queue, GivesUpAtTheDeadline) {
  const deadline due = in(5ms);
  events.spawn(pop(1, due));

  events.run();

  EXPECT_THAT(log, ElementsAre(Pair(1, says_timed_out)));
  EXPECT_EQ(system.now(), due);
}

TEST_F(Queue, PrefersAnItemToADeadlineThatIsPast) {
  push(7);
  events.spawn(pop(1, in(-5ms)));

  poll();

  EXPECT_THAT(log, ElementsAre(Pair(1, "7")));
}

TEST_F(Queue, ServesOneWhoseTimeHasPassedIfAnItemComesBeforeItsTurn) {
  auto push_in_time = [&]() -> task<> {
    co_await sleep_for(events, 5ms);
    push(7);
  };
  events.spawn(push_in_time());
  events.spawn(pop(1, in(5ms)));

  events.run();

  EXPECT_THAT(log, ElementsAre(Pair(1, "7")));
}

TEST_F(Queue, HasNoTimerLeftWhenAWaiterWasServed) {
  events.spawn(pop(1, in(1h)));
  poll();

  push(7);

  EXPECT_EQ(events.timers(), 0U);
}

TEST_F(Queue, PassesOverThoseWhoTimedOut) {
  events.spawn(pop(1, in(5ms)));
  events.spawn(pop(2));
  events.run();

  push(7);
  run_until_idle();

  EXPECT_THAT(log, ElementsAre(Pair(1, says_timed_out), Pair(2, "7")));
}

TEST_F(Queue, LeavesTheItemOfACancelledWaiterToTheNext) {
  scope waiting{events};
  waiting.spawn(pop(1));
  events.spawn(pop(2));
  poll();
  push(7);

  waiting.cancel();
  run_until_idle();

  EXPECT_THAT(log, ElementsAre(Pair(2, "7")));
}

TEST_F(Queue, KeepsTheItemOfACancelledWaiterAtTheFront) {
  scope waiting{events};
  waiting.spawn(pop(1));
  poll();
  push(7);
  push(8);

  waiting.cancel();

  EXPECT_EQ(try_pop(), "7");
  EXPECT_EQ(try_pop(), "8");
}

TEST_F(Queue, MovesItsItems) {
  queue<std::unique_ptr<int>> moved{events};

  EXPECT_TRUE(moved.push(std::make_unique<int>(7)));

  EXPECT_EQ(*moved.try_pop().value(), 7);
}

TEST_F(Queue, GivesItemsToTheTaskThatAsksInALoop) {
  std::vector<int> got;
  auto consume = [&]() -> task<> {
    while (const auto item = co_await jobs->pop()) got.push_back(*item);
  };
  events.spawn(consume());
  poll();

  for (int item = 1; item <= 3; ++item) push(item);
  jobs->stop();
  run_until_idle();

  EXPECT_THAT(got, ElementsAre(1, 2, 3));
  EXPECT_TRUE(events.tasks().empty());
}

TEST_F(Queue, IsDestroyedAtOnceIfItIsEmptyWhenItIsStopped) {
  events.spawn(pop(1));
  poll();

  jobs->stop();

  EXPECT_TRUE(jobs->destroyed());
  run_until_idle();
  EXPECT_THAT(log, ElementsAre(Pair(1, says_destroyed)));
}

TEST_F(Queue, TakesNoMoreItemsWhileItIsStopping) {
  push(7);

  jobs->stop();
  jobs->stop();

  EXPECT_TRUE(jobs->stopping());
  EXPECT_FALSE(jobs->destroyed());
  EXPECT_EQ(push(8), says_stopping);
  EXPECT_EQ(jobs->size(), 1U);
}

TEST_F(Queue, IsDestroyedWhenTheLastItemIsPoppedWhileItIsStopping) {
  push(7);
  push(8);
  jobs->stop();

  EXPECT_EQ(try_pop(), "7");
  EXPECT_FALSE(jobs->destroyed());
  EXPECT_EQ(try_pop(), "8");

  EXPECT_TRUE(jobs->destroyed());
  EXPECT_EQ(try_pop(), says_destroyed);
  EXPECT_EQ(push(9), says_destroyed);
}

TEST_F(Queue, EndsOtherWaitsWhenTheLastItemIsPoppedWhileItIsStopping) {
  for (int id = 1; id <= 3; ++id) events.spawn(pop(id));
  poll();
  push(7);

  jobs->stop();
  EXPECT_FALSE(jobs->destroyed());
  run_until_idle();

  EXPECT_THAT(log, ElementsAre(Pair(1, "7"), Pair(2, says_destroyed), Pair(3, says_destroyed)));
}

TEST_F(Queue, WakesAllWaitersWhenItIsDestroyed) {
  for (int id = 1; id <= 3; ++id) events.spawn(pop(id, id == 2 ? in(1h) : never));
  poll();

  jobs->destroy();
  run_until_idle();

  EXPECT_THAT(log, ElementsAre(Pair(1, says_destroyed), Pair(2, says_destroyed), Pair(3, says_destroyed)));
  EXPECT_EQ(events.timers(), 0U);
}

TEST_F(Queue, DropsItsItemsWhenItIsDestroyed) {
  const auto item = std::make_shared<int>(7);
  queue<std::shared_ptr<int>> dropping{events};
  EXPECT_TRUE(dropping.push(item));

  dropping.destroy();

  EXPECT_EQ(item.use_count(), 1);
  EXPECT_EQ(dropping.size(), 0U);
}

TEST_F(Queue, TakesItsItemFromOneWhoWasWokenWhenItIsDestroyed) {
  events.spawn(pop(1));
  poll();
  push(7);

  jobs->destroy();
  run_until_idle();

  EXPECT_THAT(log, ElementsAre(Pair(1, says_destroyed)));
}

TEST_F(Queue, DoesNothingMoreOnceItIsDestroyed) {
  jobs->destroy();
  jobs->destroy();
  jobs->stop();
  events.spawn(pop(1));
  poll();

  EXPECT_EQ(push(7), says_destroyed);
  EXPECT_EQ(try_pop(), says_destroyed);
  EXPECT_THAT(log, ElementsAre(Pair(1, says_destroyed)));
}

TEST_F(Queue, MayBeDestroyedByTheDestructorOfAnItem) {
  struct destroyer {
    explicit destroyer(queue<destroyer>& queue) : of{&queue} {}
    destroyer(destroyer&& other) noexcept : of{std::exchange(other.of, nullptr)} {}
    ~destroyer() {
      if (of != nullptr) of->destroy();
    }
    queue<destroyer>* of;
  };
  queue<destroyer> suicidal{events};
  EXPECT_TRUE(suicidal.push(destroyer{suicidal}));
  EXPECT_TRUE(suicidal.push(destroyer{suicidal}));

  suicidal.destroy();

  EXPECT_TRUE(suicidal.destroyed());
}

TEST_F(Queue, WakesAllWaitersWhenItGoes) {
  events.spawn(pop(1));
  events.spawn(pop(2));
  events.spawn(pop(3, in(1h)));
  poll();
  push(7);

  jobs.reset();
  run_until_idle();

  EXPECT_THAT(log, ElementsAre(Pair(1, says_destroyed), Pair(2, says_destroyed), Pair(3, says_destroyed)));
}

TEST_F(Queue, MayGoBeforeItsWaitersAreCancelled) {
  scope waiting{events};
  for (int id = 1; id <= 3; ++id) waiting.spawn(pop(id));
  waiting.spawn(pop(4, in(5ms)));
  poll();
  push(7);

  jobs.reset();
  waiting.cancel();
  run_until_idle();

  EXPECT_THAT(log, IsEmpty());
}

TEST_F(Queue, MayGoWhenTheTimeOfAWaiterHasPassed) {
  auto destroy = [&]() -> task<> {
    co_await sleep_for(events, 5ms);
    jobs.reset();
  };
  events.spawn(destroy());
  events.spawn(pop(1, in(5ms)));

  events.run();

  EXPECT_THAT(log, ElementsAre(Pair(1, says_destroyed)));
}

TEST_F(Queue, MayOutliveItsLoop) {
  auto own = std::make_unique<loop>(std::make_unique<copas::testing::virtual_reactor>());
  queue<int> late{*own};
  auto body = [&]() -> task<> { static_cast<void>(co_await late.pop()); };
  for (int count = 0; count < 3; ++count) own->spawn(body());
  own->turn(own->io().now());
  EXPECT_TRUE(late.push(7));

  own.reset();

  EXPECT_EQ(late.size(), 1U);
  EXPECT_EQ(text_of(late.try_pop()), "7");
}

TEST_F(Queue, SaysWhatItsWaitersDo) {
  events.spawn(pop(1));
  poll();

  EXPECT_EQ(events.tasks().front().waiting_on()->activity(), "popping from a queue");
}

#if COPAS_HAS_MEMORY_POOLS
TEST_F(Queue, AllocatesNothingForAPopWhetherItWaitsOrNot) {
  if (!copas::testing::counts_allocations()) GTEST_SKIP() << "allocations are not counted";
  constexpr int rounds = 1000;
  std::size_t seen = 0;
  auto producer = [&]() -> task<> {
    for (int item = 0;; ++item) {
      push(item);
      push(item);
      co_await yield(events);
    }
  };
  auto consumer = [&]() -> task<> {
    for (int count = 0; count < rounds; ++count) {
      if (count == 100) seen = copas::testing::allocations();
      static_cast<void>(co_await jobs->pop(in(1h)));
      static_cast<void>(co_await jobs->pop());
    }
    seen = copas::testing::allocations() - seen;
  };
  scope running{events};
  running.spawn(producer());
  running.spawn(consumer());

  for (int turns = 0; turns < 2 * rounds; ++turns) poll();

  EXPECT_LT(seen, static_cast<std::size_t>(2 * rounds / 50));  // the items' blocks at most, many items each
}
#endif

// Linear time: with quadratic time each of these would take minutes.
class StressQueue : public Queue {
 protected:
  static constexpr int crowd = 100'000;

  void let_wait(scope& in_scope, deadline until = never) {
    for (int id = 0; id < crowd; ++id) in_scope.spawn(pop(id, until));
    poll();
  }
  [[nodiscard]] std::ptrdiff_t count(const std::string& outcome) const {
    return std::ranges::count(log, outcome, &std::pair<int, std::string>::second);
  }
};

TEST_F(StressQueue, DestroysACrowdOfWaiters) {
  scope waiting{events};
  let_wait(waiting);

  jobs->destroy();
  run_until_idle();

  EXPECT_EQ(count(says_destroyed), crowd);
}

TEST_F(StressQueue, TimesOutACrowdOfWaiters) {
  scope waiting{events};
  let_wait(waiting, in(1s));

  system.advance(1s);
  run_until_idle();

  EXPECT_EQ(count(says_timed_out), crowd);
}

TEST_F(StressQueue, CancelsACrowdOfWaitersThatHadItems) {
  scope waiting{events};
  let_wait(waiting);
  for (int item = 0; item < crowd; ++item) push(item);

  waiting.cancel();

  EXPECT_EQ(jobs->size(), static_cast<std::size_t>(crowd));
  EXPECT_EQ(try_pop(), "0");
}

}  // namespace
}  // namespace copas
