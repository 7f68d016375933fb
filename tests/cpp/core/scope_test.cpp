#include "copas/core/scope.hpp"

#include <gmock/gmock.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "copas/core/sleep.hpp"
#include "support/probe.hpp"
#include "support/virtual_loop.hpp"

namespace copas {
namespace {

using namespace std::chrono_literals;
using copas::testing::virtual_reactor;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class Scope : public copas::testing::virtual_loop_test {
 public:
  struct mark {
    std::vector<std::string>& log;
    std::string what;
    ~mark() { log.push_back(what); }
  };

  task<> sleeper(std::string name, std::chrono::nanoseconds time) {
    const mark ended{log, name + " ended"};
    co_await sleep_for(events, time);
    log.push_back(name + " woke");
  }

  std::vector<std::string> log;
};

TEST_F(Scope, IsEmptyAtFirst) {
  const scope tasks{events};

  EXPECT_TRUE(tasks.empty());
}

TEST_F(Scope, HoldsATaskUntilItEnds) {
  scope tasks{events};
  tasks.spawn(sleeper("a", 5ms));
  EXPECT_FALSE(tasks.empty());

  events.run();

  EXPECT_TRUE(tasks.empty());
  EXPECT_THAT(log, ElementsAre("a woke", "a ended"));
}

TEST_F(Scope, JoinsAllItsTasks) {
  scope tasks{events};
  auto body = [&]() -> task<> {
    tasks.spawn(sleeper("a", 10ms));
    tasks.spawn(sleeper("b", 5ms));
    co_await tasks.join();
    log.emplace_back("joined");
  };
  events.spawn(body());

  events.run();

  EXPECT_THAT(log, ElementsAre("b woke", "b ended", "a woke", "a ended", "joined"));
}

TEST_F(Scope, NamesTheTasksThatHaveNoNameOfTheirOwn) {
  scope tasks{events, "worker"};
  tasks.spawn(sleeper("a", 1s));
  tasks.spawn(sleeper("b", 1s), "foreman");

  std::vector<std::string> names;
  events.tasks().for_each([&](const task_record& each) { names.push_back(each.name()); });

  EXPECT_THAT(names, ElementsAre("worker", "foreman"));
}

TEST_F(Scope, NamesATaskThatFailsAfterItHasCancelledItsScope) {
  events.on_error([&](const std::exception_ptr&, const task_record& failed) { log.push_back(failed.name()); });
  scope tasks{events, "worker"};
  auto fail = [&]() -> task<> {
    tasks.cancel();
    throw std::runtime_error{"inside"};
    co_return;
  };
  tasks.spawn(fail());

  events.run();

  EXPECT_THAT(log, ElementsAre("worker"));
}

TEST_F(Scope, JoinsAtOnceWhenItIsEmpty) {
  scope tasks{events};
  auto body = [&]() -> task<> {
    co_await tasks.join();
    log.emplace_back("joined");
  };
  events.spawn(body());

  poll();

  EXPECT_THAT(log, ElementsAre("joined"));
}

TEST_F(Scope, WakesAllWhoJoin) {
  scope tasks{events};
  auto body = [&](std::string name) -> task<> {
    co_await tasks.join();
    log.push_back(name);
  };
  tasks.spawn(sleeper("a", 5ms));
  events.spawn(body("one"));
  events.spawn(body("two"));

  events.run();

  EXPECT_THAT(log, ElementsAre("a woke", "a ended", "one", "two"));
}

TEST_F(Scope, WakesThoseWhoJoinWhenATaskFails) {
  events.on_error([&](const std::exception_ptr&, const task_record&) { log.emplace_back("error"); });
  scope tasks{events};
  auto fail = []() -> task<> {
    throw std::runtime_error{"inside"};
    co_return;
  };
  auto body = [&]() -> task<> {
    tasks.spawn(fail());
    co_await tasks.join();
    log.emplace_back("joined");
  };
  events.spawn(body());

  events.run();

  EXPECT_THAT(log, ElementsAre("error", "joined"));
}

TEST_F(Scope, CancelsItsTasksWhenItIsDestroyed) {
  {
    scope tasks{events};
    tasks.spawn(sleeper("a", 1s));
    tasks.spawn(sleeper("b", 1s));
    poll();
  }

  EXPECT_THAT(log, ElementsAre("a ended", "b ended"));
  EXPECT_TRUE(events.finished());
  EXPECT_TRUE(events.tasks().empty());
}

TEST_F(Scope, CancelsATaskThatHasNotStarted) {
  {
    scope tasks{events};
    tasks.spawn(sleeper("a", 1s));
  }

  events.run();

  EXPECT_THAT(log, IsEmpty());
  EXPECT_TRUE(events.tasks().empty());
}

TEST_F(Scope, CancelsATaskThatIsReady) {
  scope tasks{events};
  auto body = [&]() -> task<> {
    const mark ended{log, "ended"};
    co_await yield(events);
    log.emplace_back("never");
  };
  tasks.spawn(body());
  poll();

  tasks.cancel();
  events.run();

  EXPECT_THAT(log, ElementsAre("ended"));
}

TEST_F(Scope, CanBeUsedAgainAfterCancel) {
  scope tasks{events};
  tasks.spawn(sleeper("a", 1s));
  poll();
  tasks.cancel();

  tasks.spawn(sleeper("b", 1s));
  events.run();

  EXPECT_THAT(log, ElementsAre("a ended", "b woke", "b ended"));
}

TEST_F(Scope, WakesThoseWhoJoinWhenItIsCancelled) {
  scope tasks{events};
  auto body = [&]() -> task<> {
    co_await tasks.join();
    log.emplace_back("joined");
  };
  tasks.spawn(sleeper("a", 1s));
  events.spawn(body());
  poll();

  tasks.cancel();
  events.run();

  EXPECT_THAT(log, ElementsAre("a ended", "joined"));
}

TEST_F(Scope, LetsTheRunningTaskRunToItsNextWaitWhenItCancels) {
  scope tasks{events};
  auto body = [&]() -> task<> {
    const mark ended{log, "ended"};
    tasks.cancel();
    log.emplace_back("cancelled");
    co_await sleep_for(events, 1s);
    log.emplace_back("never");
  };
  tasks.spawn(body());

  poll();

  EXPECT_THAT(log, ElementsAre("cancelled", "ended"));
  EXPECT_EQ(events.timers(), 0U);
  EXPECT_TRUE(events.tasks().empty());
}

TEST_F(Scope, LetsTheRunningTaskReturnAfterItCancelled) {
  scope tasks{events};
  auto body = [&]() -> task<> {
    tasks.cancel();
    log.emplace_back("cancelled");
    co_return;
  };
  tasks.spawn(body());

  events.run();

  EXPECT_THAT(log, ElementsAre("cancelled"));
  EXPECT_TRUE(events.tasks().empty());
}

TEST_F(Scope, ReportsTheExceptionOfARunningTaskThatWasCancelled) {
  scope tasks{events};
  auto body = [&]() -> task<> {
    tasks.cancel();
    throw std::runtime_error{"late"};
    co_return;
  };
  tasks.spawn(body());

  EXPECT_THROW(events.run(), std::runtime_error);
}

TEST_F(Scope, MayBeDestroyedByATaskInIt) {
  auto tasks = std::make_unique<scope>(events);
  auto body = [&]() -> task<> {
    const mark ended{log, "killer ended"};
    tasks.reset();
    log.emplace_back("destroyed");
    co_await yield(events);
    log.emplace_back("never");
  };
  tasks->spawn(sleeper("a", 1s));
  tasks->spawn(body());
  tasks->spawn(sleeper("b", 1s));

  events.run();

  EXPECT_THAT(log, ElementsAre("a ended", "destroyed", "killer ended"));
  EXPECT_TRUE(events.tasks().empty());
}

TEST_F(Scope, MayBelongToATaskInItThatIsCancelledByIt) {
  auto tasks = std::make_shared<scope>(events);
  scope& watched = *tasks;
  auto body = [](Scope& self, std::shared_ptr<scope> owned) -> task<> {
    const mark ended{self.log, "ended"};
    const std::shared_ptr<scope> local = std::move(owned);
    co_await sleep_for(self.events, 1s);
  };
  tasks->spawn(body(*this, tasks));
  tasks->spawn(sleeper("other", 1s));
  tasks.reset();
  poll();

  watched.cancel();

  EXPECT_THAT(log, ElementsAre("ended", "other ended"));
  EXPECT_TRUE(events.tasks().empty());
}

TEST_F(Scope, MayBelongToATaskInItWhenTheLoopEnds) {
  {
    loop own{std::make_unique<virtual_reactor>()};
    auto tasks = std::make_shared<scope>(own);
    auto body = [](Scope& self, loop& home, std::shared_ptr<scope> owned) -> task<> {
      const std::shared_ptr<scope> local = std::move(owned);
      const mark ended{self.log, "ended"};
      co_await sleep_for(home, 1s);
    };
    tasks->spawn(body(*this, own, tasks));
    tasks.reset();
    own.turn(own.io().now());
  }

  EXPECT_THAT(log, ElementsAre("ended"));
}

TEST_F(Scope, MayBelongToATaskInItThatEnds) {
  auto tasks = std::make_shared<scope>(events);
  auto body = [](Scope& self, std::shared_ptr<scope> owned) -> task<> {
    const std::shared_ptr<scope> local = std::move(owned);
    co_await yield(self.events);
    self.log.emplace_back("ends");
  };
  tasks->spawn(body(*this, tasks));
  tasks->spawn(sleeper("other", 1s));
  tasks.reset();

  events.run();

  EXPECT_THAT(log, ElementsAre("ends", "other ended"));
  EXPECT_TRUE(events.tasks().empty());
}

TEST_F(Scope, CancelsWhatIsSpawnedWhileItIsDestroyed) {
  struct spawner {
    scope& tasks;
    Scope& test;
    ~spawner() { tasks.spawn(test.sleeper("late", 1s)); }
  };
  {
    scope tasks{events};
    auto body = [&]() -> task<> {
      const spawner last{tasks, *this};
      co_await sleep_for(events, 1s);
    };
    tasks.spawn(body());
    poll();
  }

  EXPECT_TRUE(events.tasks().empty());
  EXPECT_TRUE(events.finished());
}

TEST_F(Scope, LeavesThoseWhoJoinAloneWhenTheyAreDestroyed) {
  scope tasks{events};
  scope joiners{events};
  auto body = [&]() -> task<> {
    co_await tasks.join();
    log.emplace_back("never");
  };
  tasks.spawn(sleeper("a", 5ms));
  joiners.spawn(body());
  poll();

  joiners.cancel();
  events.run();

  EXPECT_THAT(log, ElementsAre("a woke", "a ended"));
}

TEST_F(Scope, EndsATaskThatACancelledTaskCancels) {
  struct canceller {
    scope& other;
    ~canceller() { other.cancel(); }
  };
  scope first{events};
  scope second{events};
  auto body = [&]() -> task<> {
    const canceller last{second};
    co_await sleep_for(events, 1s);
  };
  first.spawn(body());
  second.spawn(sleeper("a", 1s));
  poll();

  first.cancel();

  EXPECT_THAT(log, ElementsAre("a ended"));
  EXPECT_TRUE(events.tasks().empty());
}

TEST_F(Scope, MayBeNested) {
  auto child = [&]() -> task<> {
    scope inner{events};
    inner.spawn(sleeper("grandchild", 1s));
    co_await inner.join();
  };
  {
    scope outer{events};
    outer.spawn(child());
    poll();
    poll();
  }

  EXPECT_THAT(log, ElementsAre("grandchild ended"));
  EXPECT_TRUE(events.tasks().empty());
}

}  // namespace
}  // namespace copas
