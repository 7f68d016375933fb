#include "copas/sync/lock.hpp"

#include <gmock/gmock.h>

#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string_view>
#include <utility>
#include <vector>

#include "copas/core/scope.hpp"
#include "copas/core/sleep.hpp"
#include "copas/sync/event.hpp"
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

const std::error_code not_owner = errc::not_owner;

class Lock : public copas::testing::virtual_loop_test {
 protected:
  // Gets the lock, holds it until the event, and releases it.
  task<> hold(int id, event* until_set = nullptr, deadline until = never) {
    const auto held = co_await door->get(until);
    log.emplace_back(id, error_of(held));
    if (held && until_set != nullptr) co_await until_set->wait();
  }

  std::optional<lock> door{std::in_place, events};
  event done{events};
  std::vector<std::pair<int, std::error_code>> log;
};

TEST_F(Lock, IsFreeAtFirst) {
  events.spawn(hold(1, &done));

  poll();

  EXPECT_THAT(log, ElementsAre(Pair(1, none)));
}

TEST_F(Lock, IsHeldByOneTaskOnly) {
  events.spawn(hold(1, &done));
  events.spawn(hold(2, &done));

  run_until_idle();

  EXPECT_THAT(log, ElementsAre(Pair(1, none)));
  EXPECT_EQ(error_of(door->try_get()), timed_out);
}

TEST_F(Lock, GoesToWaitersInTheOrderInWhichTheyCame) {
  for (int id = 1; id <= 3; ++id) events.spawn(hold(id, &done));
  poll();

  done.set();
  run_until_idle();

  EXPECT_THAT(log, ElementsAre(Pair(1, none), Pair(2, none), Pair(3, none)));
}

TEST_F(Lock, BelongsToTheNextOneAsSoonAsItIsReleased) {
  auto release_and_get = [&]() -> task<> {
    auto held = door->try_get();
    co_await done.wait();
    held->release();
    EXPECT_EQ(error_of(door->try_get()), timed_out);
    const auto again = co_await door->get();
    log.emplace_back(1, error_of(again));
  };
  events.spawn(release_and_get());
  events.spawn(hold(2));
  poll();

  done.set();
  run_until_idle();

  EXPECT_THAT(log, ElementsAre(Pair(2, none), Pair(1, none)));
}

TEST_F(Lock, MayBeHeldSeveralTimesByOneTask) {
  auto nest = [&]() -> task<> {
    const auto outer = co_await door->get();
    {
      const auto inner = co_await door->get();
      EXPECT_TRUE(inner);
    }
    log.emplace_back(1, error_of(outer));
    co_await done.wait();
  };
  events.spawn(nest());
  events.spawn(hold(2));
  poll();
  EXPECT_THAT(log, ElementsAre(Pair(1, none)));

  done.set();
  run_until_idle();

  EXPECT_THAT(log, ElementsAre(Pair(1, none), Pair(2, none)));
}

TEST_F(Lock, LetsItsHolderWaitIfItIsNotReentrant) {
  door.emplace(events, lock::reentry::waits);
  auto nest = [&]() -> task<> {
    const auto outer = co_await door->get();
    EXPECT_EQ(error_of(door->try_get()), timed_out);
    const auto inner = co_await door->get(in(5ms));
    log.emplace_back(1, error_of(inner));
  };
  events.spawn(nest());

  events.run();

  EXPECT_THAT(log, ElementsAre(Pair(1, timed_out)));
}

TEST_F(Lock, GivesUpAtTheDeadline) {
  const deadline due = in(5ms);
  events.spawn(hold(1, &done));
  events.spawn(hold(2, nullptr, due));

  events.run();

  EXPECT_THAT(log, ElementsAre(Pair(1, none), Pair(2, timed_out)));
  EXPECT_EQ(system.now(), due);
}

TEST_F(Lock, PassesByWaitersThatTimedOutOrWereCancelled) {
  scope cancelled{events};
  events.spawn(hold(1, &done));
  events.spawn(hold(2, nullptr, in(5ms)));
  cancelled.spawn(hold(3));
  events.spawn(hold(4));
  poll();

  cancelled.cancel();
  events.run();
  done.set();
  events.run();

  EXPECT_THAT(log, ElementsAre(Pair(1, none), Pair(2, timed_out), Pair(4, none)));
}

TEST_F(Lock, IsPassedOnByAWaiterThatIsCancelledBeforeItsTurn) {
  scope cancelled{events};
  auto release = [&]() -> task<> {
    {
      const auto held = co_await door->get();
      co_await done.wait();
    }
    cancelled.cancel();
  };
  events.spawn(release());
  cancelled.spawn(hold(2));
  events.spawn(hold(3));
  poll();

  done.set();
  run_until_idle();

  EXPECT_THAT(log, ElementsAre(Pair(3, none)));
}

TEST_F(Lock, IsReleasedByItsOwnerOnly) {
  EXPECT_EQ(error_of(door->release(nullptr)), not_owner);
  events.spawn(hold(1, &done));
  poll();

  EXPECT_EQ(error_of(door->release(nullptr)), not_owner);
  EXPECT_EQ(error_of(door->try_get()), timed_out);
}

TEST_F(Lock, CanBeReleasedWithoutItsGuard) {
  auto get_and_release = [&]() -> task<> {
    auto held = co_await door->get();
    held->detach();
    log.emplace_back(1, error_of(door->release(events.current())));
    log.emplace_back(2, error_of(door->release(events.current())));
  };
  events.spawn(get_and_release());

  poll();

  EXPECT_THAT(log, ElementsAre(Pair(1, none), Pair(2, not_owner)));
}

TEST_F(Lock, CountsWhatRunsOutsideOfTasksAsOneOwner) {
  auto held = door->try_get();
  EXPECT_TRUE(held);
  EXPECT_TRUE(door->try_get());
  events.spawn(hold(1));
  run_until_idle();
  EXPECT_THAT(log, IsEmpty());

  held->release();
  run_until_idle();

  EXPECT_THAT(log, ElementsAre(Pair(1, none)));
}

TEST_F(Lock, StaysWithAGuardThatMoves) {
  auto first = *door->try_get();

  {
    const lock::guard second = std::move(first);
  }

  EXPECT_EQ(error_of(door->release(nullptr)), not_owner);
}

TEST_F(Lock, IsReleasedByAGuardThatGetsAnother) {
  lock other{events};
  lock::guard held = *door->try_get();

  held = *other.try_get();

  EXPECT_EQ(error_of(door->release(nullptr)), not_owner);
  EXPECT_EQ(error_of(other.release(nullptr)), none);
}

TEST_F(Lock, IsReleasedOnceByAGuardThatDoesSoEarly) {
  auto outer = *door->try_get();
  auto inner = *door->try_get();

  inner.release();
  inner.release();

  EXPECT_EQ(error_of(door->release(nullptr)), none);
}

TEST_F(Lock, IsReleasedWhenItsHolderEnds) {
  auto get_and_end = [&](int times) -> task<> {
    for (int count = 0; count < times; ++count) (co_await door->get())->detach();
    co_await done.wait();
  };
  events.spawn(get_and_end(3));
  events.spawn(hold(2));
  poll();

  done.set();
  run_until_idle();

  EXPECT_THAT(log, ElementsAre(Pair(2, none)));
}

TEST_F(Lock, IsReleasedWhenItsHolderFails) {
  events.on_error([](const std::exception_ptr&, const task_record&) {});
  auto fail = [&]() -> task<> {
    (co_await door->get())->detach();
    co_await done.wait();
    throw std::runtime_error{"oops"};
  };
  events.spawn(fail());
  events.spawn(hold(2));
  poll();

  done.set();
  run_until_idle();

  EXPECT_THAT(log, ElementsAre(Pair(2, none)));
}

TEST_F(Lock, IsReleasedWhenItsHolderIsCancelled) {
  scope cancelled{events};
  auto get_and_wait = [&](int id) -> task<> {
    auto held = co_await door->get();
    if (id == 1) held->detach();
    co_await done.wait();
  };
  cancelled.spawn(get_and_wait(1));
  events.spawn(hold(2));
  poll();

  cancelled.cancel();
  run_until_idle();
  cancelled.spawn(get_and_wait(3));
  events.spawn(hold(4));
  poll();
  cancelled.cancel();
  run_until_idle();

  EXPECT_THAT(log, ElementsAre(Pair(2, none), Pair(4, none)));
}

TEST_F(Lock, IsNotReleasedByTheEndOfATaskThatReleasedIt) {
  auto get_and_release = [&]() -> task<> {
    {
      const auto held = co_await door->get();
    }
    co_await done.wait();
  };
  event end{events};
  events.spawn(get_and_release());
  events.spawn(hold(2, &end));
  poll();

  done.set();
  run_until_idle();

  EXPECT_EQ(error_of(door->try_get()), timed_out);
}

TEST_F(Lock, WakesAllWaitersWhenItIsDestroyed) {
  events.spawn(hold(1, &done));
  for (int id = 2; id <= 4; ++id) events.spawn(hold(id, nullptr, id == 3 ? in(1h) : never));
  poll();

  door->destroy();
  run_until_idle();

  EXPECT_THAT(log, ElementsAre(Pair(1, none), Pair(2, destroyed), Pair(3, destroyed), Pair(4, destroyed)));
  EXPECT_EQ(events.timers(), 0U);
}

TEST_F(Lock, DoesNothingMoreOnceItIsDestroyed) {
  auto destroy = [&]() -> task<> {
    const auto held = co_await door->get();
    door->destroy();
    log.emplace_back(1, error_of(door->release(events.current())));
    log.emplace_back(2, error_of(door->try_get()));
    const auto again = co_await door->get();
    log.emplace_back(3, error_of(again));
  };
  events.spawn(destroy());

  run_until_idle();

  EXPECT_TRUE(door->destroyed());
  EXPECT_THAT(log, ElementsAre(Pair(1, destroyed), Pair(2, destroyed), Pair(3, destroyed)));
}

TEST_F(Lock, WakesAllWaitersWhenItGoes) {
  auto get_and_end = [&]() -> task<> {
    (co_await door->get())->detach();
    co_await done.wait();
  };
  events.spawn(get_and_end());
  events.spawn(hold(2));
  events.spawn(hold(3));
  poll();

  door.reset();
  done.set();
  run_until_idle();

  EXPECT_THAT(log, ElementsAre(Pair(2, destroyed), Pair(3, destroyed)));
}

TEST_F(Lock, MayGoOnItsWayToAWaiter) {
  auto held = door->try_get();
  events.spawn(hold(1));
  events.spawn(hold(2));
  poll();
  held->release();

  door.reset();
  run_until_idle();

  EXPECT_THAT(log, ElementsAre(Pair(1, destroyed), Pair(2, destroyed)));
}

TEST_F(Lock, MayBeDestroyedOnItsWayToAWaiter) {
  auto held = door->try_get();
  events.spawn(hold(1));
  events.spawn(hold(2));
  poll();
  held->release();

  door->destroy();
  run_until_idle();

  EXPECT_THAT(log, ElementsAre(Pair(1, destroyed), Pair(2, destroyed)));
}

TEST_F(Lock, MayOutliveItsLoop) {
  auto own = std::make_unique<loop>(std::make_unique<copas::testing::virtual_reactor>());
  lock late{*own};
  auto body = [&]() -> task<> {
    (co_await late.get())->detach();
    co_await sleep_for(*own, 1h);
  };
  for (int count = 0; count < 3; ++count) own->spawn(body());
  own->turn(own->io().now());

  own.reset();

  EXPECT_TRUE(late.try_get(nullptr));
}

TEST_F(Lock, TellsWhatItsWaitersDo) {
  events.spawn(hold(1, &done));
  events.spawn(hold(2));
  poll();
  std::vector<std::string_view> activities;

  events.tasks().for_each([&](const task_record& each) { activities.push_back(each.waiting_on()->activity()); });

  EXPECT_THAT(activities, ElementsAre("waiting for an event", "getting a lock"));
}

#if COPAS_HAS_MEMORY_POOLS
TEST_F(Lock, AllocatesNothingWhetherItLetsWaitOrNot) {
  if (!copas::testing::counts_allocations()) GTEST_SKIP() << "allocations are not counted";
  std::size_t seen = 0;
  auto rival = [&](bool counts) -> task<> {
    for (int count = 0; count < 200; ++count) {
      if (counts && count == 100) seen = copas::testing::allocations();
      const auto held = co_await door->get(in(1h));
      const auto again = co_await door->get();
      co_await yield(events);
    }
    if (counts) seen = copas::testing::allocations() - seen;
  };
  events.spawn(rival(false));
  events.spawn(rival(true));

  events.run();

  EXPECT_EQ(seen, 0U);
}
#endif

// Linear time: with quadratic time each of these would take minutes.
class StressLock : public Lock {
 protected:
  static constexpr std::size_t crowd = 100'000;

  void let_wait(scope& in_scope, deadline until = never) {
    in_scope.spawn(hold(0, &done));
    for (std::size_t id = 1; id <= crowd; ++id) in_scope.spawn(hold(static_cast<int>(id), nullptr, until));
    poll();
    log.clear();
  }
};

TEST_F(StressLock, DestroysACrowdOfWaiters) {
  scope waiting{events};
  let_wait(waiting);

  door->destroy();
  run_until_idle();

  EXPECT_EQ(log.size(), crowd);
}

TEST_F(StressLock, TimesOutACrowdOfWaiters) {
  scope waiting{events};
  let_wait(waiting, in(1s));

  system.advance(1s);
  run_until_idle();

  EXPECT_EQ(log.size(), crowd);
}

TEST_F(StressLock, IsPassedThroughACrowdOfCancelledWaiters) {
  scope waiting{events};
  let_wait(waiting);

  waiting.cancel();

  EXPECT_TRUE(door->try_get());
}

}  // namespace
}  // namespace copas
