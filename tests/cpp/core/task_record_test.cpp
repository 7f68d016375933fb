#include "copas/core/task_record.hpp"

#include <gmock/gmock.h>

#include <memory>
#include <string>
#include <vector>

#include "copas/core/loop.hpp"
#include "copas/core/sleep.hpp"
#include "support/probe.hpp"
#include "support/virtual_loop.hpp"

namespace copas {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::StartsWith;

class TaskRecord : public copas::testing::virtual_loop_test {
 public:
  task_record& only() const { return const_cast<task_record&>(events.tasks().front()); }
  task<> sleep(std::chrono::nanoseconds time) { co_await sleep_for(events, time); }
};

TEST_F(TaskRecord, TellsTheNameOfTheTask) {
  events.spawn(sleep(1s), "waiter at table 5");

  EXPECT_EQ(only().name(), "waiter at table 5");
}

TEST_F(TaskRecord, TellsWhereTheTaskWasSpawned) {
  const int line = __LINE__ + 1;
  events.spawn(sleep(1s));

  EXPECT_THAT(only().origin(), EndsWith("task_record_test.cpp:" + std::to_string(line)));
}

TEST_F(TaskRecord, TellsWhatTheTaskWaitsFor) {
  events.spawn(sleep(1s));
  poll();

  ASSERT_NE(only().waiting_on(), nullptr);
  EXPECT_EQ(only().waiting_on()->activity(), "sleeping");
}

TEST_F(TaskRecord, TellsWhatTheTaskWaitedForLast) {
  std::vector<std::string_view> told;
  auto body = [&]() -> task<> {
    told.push_back(only().last_wait());
    co_await sleep_for(events, 1s);
    told.push_back(only().last_wait());
  };
  events.spawn(body());

  events.run();

  EXPECT_THAT(told, ElementsAre("", "sleeping"));
}

TEST_F(TaskRecord, TellsSinceWhenTheTaskWaits) {
  events.spawn(sleep(1s));
  system.advance(30s);
  poll();
  const deadline began = system.now();
  system.advance(500ms);

  EXPECT_EQ(only().waiting_since(), began);
}

TEST_F(TaskRecord, TellsThatTheTaskRuns) {
  bool running = false;
  bool waiting = true;
  auto body = [&]() -> task<> {
    co_await sleep_for(events, 1s);
    running = only().running();
    waiting = only().waiting_on() != nullptr;
  };
  events.spawn(body());

  events.run();

  EXPECT_TRUE(running);
  EXPECT_FALSE(waiting);
}

TEST_F(TaskRecord, OfTheSpawnerIsLeftAloneByASpawn) {
  const task_record* parent = nullptr;
  auto body = [&]() -> task<> {
    parent = events.current();
    events.spawn(sleep(1s), "child");
    EXPECT_EQ(parent->waiting_on(), nullptr);
    co_await sleep_for(events, 2s);
  };
  events.spawn(body(), "parent");
  poll();

  ASSERT_NE(parent, nullptr);
  ASSERT_NE(parent->waiting_on(), nullptr);
  EXPECT_EQ(parent->waiting_on()->activity(), "sleeping");
}

TEST_F(TaskRecord, StandsInTheListOfItsLoopAsLongAsTheTaskLives) {
  events.spawn(sleep(1s), "a");
  events.spawn(sleep(2s), "b");
  std::vector<std::string> names;
  events.tasks().for_each([&](const task_record& each) { names.push_back(each.name()); });
  EXPECT_THAT(names, ElementsAre("a", "b"));

  events.run();

  EXPECT_TRUE(events.tasks().empty());
}

TEST_F(TaskRecord, CancelsATaskThatWaits) {
  events.spawn(sleep(1s));
  poll();

  only().cancel();

  EXPECT_TRUE(events.tasks().empty());
  EXPECT_TRUE(events.finished());
}

TEST_F(TaskRecord, CancelsTheRunningTaskAtItsNextWait) {
  std::vector<std::string> log;
  auto body = [&]() -> task<> {
    events.current()->cancel();
    log.emplace_back("still runs");
    co_await yield(events);
    log.emplace_back("never");
  };
  events.spawn(body());

  events.run();

  EXPECT_THAT(log, ElementsAre("still runs"));
  EXPECT_TRUE(events.tasks().empty());
}

TEST_F(TaskRecord, IsStillThereWhenTheLocalsOfACancelledTaskAreDestroyed) {
  struct witness {
    TaskRecord& test;
    std::vector<std::string>& names;
    ~witness() {
      test.events.tasks().for_each([&](const task_record& each) { names.push_back(each.name()); });
    }
  };
  std::vector<std::string> names;
  auto body = [&]() -> task<> {
    const witness last{*this, names};
    co_await sleep_for(events, 1s);
  };
  events.spawn(body(), "cancelled");
  poll();

  only().cancel();

  EXPECT_THAT(names, ElementsAre("cancelled"));
}

TEST_F(TaskRecord, EndsItsTaskOnceThoughItsLocalsCancelItAgain) {
  struct canceller {
    task_record& self;
    int& destroyed;
    ~canceller() {
      ++destroyed;
      self.cancel();
    }
  };
  int destroyed = 0;
  auto body = [&]() -> task<> {
    const canceller last{*events.current(), destroyed};
    co_await sleep_for(events, 1s);
  };
  events.spawn(body());
  poll();

  only().cancel();

  EXPECT_EQ(destroyed, 1);
  EXPECT_TRUE(events.tasks().empty());
}

class watcher final : public task_watch {
 public:
  void on_task_end() noexcept override { ++ends; }
  int ends = 0;
};

TEST_F(TaskRecord, TellsThoseWhoWatchItOfItsEndOnce) {
  watcher first;
  watcher second;
  events.spawn(sleep(1s));
  only().watch(first);
  only().watch(second);
  poll();
  EXPECT_EQ(first.ends, 0);

  events.run();

  EXPECT_EQ(first.ends, 1);
  EXPECT_EQ(second.ends, 1);
}

TEST_F(TaskRecord, TellsThoseWhoWatchItWhenItIsCancelled) {
  watcher watching;
  events.spawn(sleep(1s));
  only().watch(watching);

  only().cancel();

  EXPECT_EQ(watching.ends, 1);
}

TEST_F(TaskRecord, TellsNobodyWhoHasStoppedWatching) {
  watcher stopped;
  auto gone = std::make_unique<watcher>();
  events.spawn(sleep(1s));
  only().watch(stopped);
  only().watch(*gone);

  stopped.unlink();
  gone.reset();
  events.run();

  EXPECT_EQ(stopped.ends, 0);
}

}  // namespace
}  // namespace copas
