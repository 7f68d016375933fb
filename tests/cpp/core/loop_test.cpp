#include "copas/core/loop.hpp"

#include <gmock/gmock.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "copas/core/sleep.hpp"
#include "support/loop_fixture.hpp"
#include "support/probe.hpp"

namespace copas {
namespace {

using namespace std::chrono_literals;
using copas::testing::bell;
using copas::testing::Loop;
using copas::testing::probe;
using copas::testing::virtual_reactor;
using ::testing::ElementsAre;

TEST_F(Loop, HasNothingToDoAtFirst) {
  EXPECT_TRUE(events.finished());
  EXPECT_FALSE(events.busy());
  EXPECT_EQ(events.current(), nullptr);
  EXPECT_TRUE(events.tasks().empty());

  events.run();

  EXPECT_EQ(system.calls().waits, 0U);
}

TEST_F(Loop, StartsATaskNotBeforeItTurns) {
  events.spawn(append(1));

  EXPECT_THAT(log, ElementsAre());
  EXPECT_FALSE(events.finished());
  events.run();

  EXPECT_THAT(log, ElementsAre(1));
  EXPECT_TRUE(events.finished());
}

TEST_F(Loop, StartsTasksInTheOrderInWhichTheyWereSpawned) {
  for (int each = 1; each <= 4; ++each) events.spawn(append(each));

  events.run();

  EXPECT_THAT(log, ElementsAre(1, 2, 3, 4));
}

TEST_F(Loop, RunsUntilTheLastSleeperIsDone) {
  auto sleep = [&]() -> task<> {
    co_await sleep_for(events, 10s);
    log.push_back(1);
  };
  events.spawn(sleep());
  const deadline due = in(10s);

  events.run();

  EXPECT_THAT(log, ElementsAre(1));
  EXPECT_EQ(system.now(), due);
}

TEST_F(Loop, IsNotKeptAliveByATaskThatOnlyAnotherCouldWake) {
  probe lethargic{events};
  wait_list line;
  lethargic.wait(&line);

  events.run();

  EXPECT_TRUE(events.finished());
  EXPECT_TRUE(lethargic.parked());
}

TEST_F(Loop, IsKeptAliveByATaskThatWaitsForADescriptor) {
  bell door{events, 3};
  auto read = [&]() -> task<> { co_await door.readable(); };
  events.spawn(read());
  poll();
  EXPECT_FALSE(events.finished());

  system.inject(door.read_event());
  events.run();

  EXPECT_TRUE(events.finished());
}

TEST_F(Loop, StopsAfterTheCurrentTurn) {
  auto endless = [&]() -> task<> {
    for (;;) {
      log.push_back(1);
      if (log.size() == 3) events.stop();
      co_await yield(events);
    }
  };
  events.spawn(endless());

  events.run();

  EXPECT_EQ(log.size(), 3U);
  EXPECT_FALSE(events.finished());
}

TEST_F(Loop, GoesOnWhereItStoppedWhenItIsRunAgain) {
  auto body = [&]() -> task<> {
    events.stop();
    co_await yield(events);
    log.push_back(1);
  };
  events.spawn(body());
  events.run();

  events.run();

  EXPECT_THAT(log, ElementsAre(1));
  EXPECT_TRUE(events.finished());
}

TEST_F(Loop, IsStoppedForOneRunOnly) {
  auto last = [&]() -> task<> {
    events.stop();
    co_return;
  };
  events.spawn(last());
  events.run();
  EXPECT_TRUE(events.finished());

  events.spawn(append(1));
  events.run();

  EXPECT_THAT(log, ElementsAre(1));
}

TEST_F(Loop, RunsNothingWhenItWasStoppedBefore) {
  events.spawn(append(1));

  events.stop();
  events.run();
  EXPECT_THAT(log, ElementsAre());
  events.run();

  EXPECT_THAT(log, ElementsAre(1));
}

TEST_F(Loop, RunsAgainAfterItHadFinished) {
  events.spawn(append(1));
  events.run();

  events.spawn(append(2));
  events.run();

  EXPECT_THAT(log, ElementsAre(1, 2));
}

TEST_F(Loop, KnowsWhichTaskRuns) {
  const task_record* seen = nullptr;
  auto body = [&]() -> task<> {
    seen = events.current();
    co_await yield(events);
    EXPECT_EQ(events.current(), seen);
  };
  events.spawn(body());
  const task_record* const spawned = &events.tasks().front();

  events.run();

  EXPECT_EQ(seen, spawned);
  EXPECT_EQ(events.current(), nullptr);
}

TEST_F(Loop, DestroysItsTasksWhenItEnds) {
  auto alive = std::make_shared<int>(0);
  auto own = std::make_unique<loop>(std::make_unique<virtual_reactor>());
  auto body = [](loop& home, std::shared_ptr<int> held, bool* resumed) -> task<> {
    const std::shared_ptr<int> local = held;
    co_await sleep_for(home, 1s);
    *resumed = true;
  };
  bool resumed = false;
  own->spawn(body(*own, alive, &resumed));  // will be sleeping
  own->turn(own->io().now());
  own->spawn(body(*own, alive, &resumed));  // not started
  EXPECT_EQ(alive.use_count(), 4);

  own.reset();

  EXPECT_EQ(alive.use_count(), 1);
  EXPECT_FALSE(resumed);
}

TEST_F(Loop, DestroysATaskThatIsSpawnedByTheEndOfAnother) {
  struct spawner {
    loop& home;
    std::shared_ptr<int> held;
    ~spawner() {
      auto body = [](std::shared_ptr<int>) -> task<> { co_return; };
      home.spawn(body(held));
    }
  };
  auto alive = std::make_shared<int>(0);
  auto own = std::make_unique<loop>(std::make_unique<virtual_reactor>());
  auto body = [](loop& home, std::shared_ptr<int> held) -> task<> {
    const spawner last{home, std::move(held)};
    co_await sleep_for(home, 1s);
  };
  own->spawn(body(*own, alive));
  own->turn(own->io().now());

  own.reset();

  EXPECT_EQ(alive.use_count(), 1);
}

TEST_F(Loop, CancelsAllTasksAtOnceButThoseThatRun) {
  std::vector<std::string> said;
  auto sleep = [&](std::string name) -> task<> {
    const std::shared_ptr<void> leaving{nullptr, [&](void*) { said.push_back(name + " left"); }};
    co_await sleep_for(events, 1h);
    said.push_back(name + " slept");
  };
  auto cancel = [&]() -> task<> {
    events.cancel_all();
    said.push_back("canceller runs on");
    co_await yield(events);
    said.push_back("canceller waited");
  };
  events.spawn(sleep("first"));
  events.spawn(cancel());
  events.spawn(sleep("not started"));

  events.run();

  EXPECT_THAT(said, ElementsAre("first left", "canceller runs on"));
  EXPECT_TRUE(events.tasks().empty());
}

TEST_F(Loop, CancelsWhatTheEndOfACancelledTaskSpawns) {
  auto spawner = [&]() -> task<> {
    const std::shared_ptr<void> leaving{
        nullptr, [&](void*) { events.spawn([](loop& home) -> task<> { co_await sleep_for(home, 1h); }(events)); }};
    co_await sleep_for(events, 1h);
  };
  events.spawn(spawner());
  poll();

  events.cancel_all();

  EXPECT_TRUE(events.tasks().empty());
}

TEST_F(Loop, IsNotKeptAliveByWhatWaitsInTheBackground) {
  class background final : public wait_node {
   public:
    void begin(loop& home, deadline until) {
      park_in_background(home, {[](void* self) { ++static_cast<background*>(self)->calls; }, this}, until);
    }
    int calls = 0;
  } node;
  node.begin(events, in(10ms));

  EXPECT_TRUE(events.finished());

  events.turn(in(20ms));
  EXPECT_EQ(node.calls, 1);
  EXPECT_EQ(events.parked(wait_kind::background), 0U);
}

TEST_F(Loop, RunsAtOnceWhatItIsTold) {
  std::vector<std::string> said;
  probe node{events, [&] { said.push_back("node"); }};
  node.wait();
  auto body = [&]() -> task<> {
    const task_record* const self = events.current();
    events.run_at_once(node);
    said.push_back(events.current() == self ? "task" : "somebody else");
    co_return;
  };
  events.spawn(body());

  events.run();

  EXPECT_THAT(said, ElementsAre("node", "task"));
}

TEST_F(Loop, MayEndBeforeWhatSleepsInIt) {
  auto own = std::make_unique<loop>(std::make_unique<virtual_reactor>());
  sleep_awaitable sleeping{*own, own->io().after(1h)};
  sleeping.await_suspend({});

  own.reset();

  EXPECT_FALSE(sleeping.parked());
}

TEST_F(Loop, TellsEventSourcesOfItsEnd) {
  struct source final : event_source {
    void on_event(const io_event&) noexcept override {}
    void on_detached() noexcept override { ++detached; }
    int detached = 0;
  };
  source kept;
  source gone;
  {
    loop own{std::make_unique<virtual_reactor>()};
    own.sources().attach(3, kept);
    own.sources().attach(4, gone);
    own.sources().detach(4);
  }

  EXPECT_EQ(kept.detached, 1);
  EXPECT_EQ(gone.detached, 0);
}

TEST_F(Loop, GivesEachOwnerOfADescriptorANewGeneration) {
  bell first{events, 3};
  const io_event old = first.read_event();
  bell second{events, 3};

  EXPECT_NE(old.generation, second.read_event().generation);
  EXPECT_EQ(events.sources().of(3), &second);
  EXPECT_EQ(events.sources().of(4), nullptr);
  EXPECT_EQ(events.sources().of(100000), nullptr);
}

TEST_F(Loop, WakesThoseWhoWaitForADescriptorToBeFreed) {
  probe one{events, [&] { log.push_back(1); }};
  probe two{events, [&] { log.push_back(2); }};
  one.wait(&events.starved(), in(1s));
  two.wait(&events.starved(), in(1s));

  events.descriptor_freed();
  poll();

  EXPECT_THAT(log, ElementsAre(1, 2));
}

TEST_F(Loop, CountsResumptions) {
  const auto before = events.resumptions();
  auto body = [&]() -> task<> { co_await yield(events); };
  events.spawn(body());

  events.run();

  EXPECT_EQ(events.resumptions() - before, 2U);
}

// Fairness.

// An operation on something that is always ready.
class instant final : public wait_node {
 public:
  explicit instant(loop& home) noexcept : home_{home} {}
  bool await_ready() noexcept { return home_.within_budget(); }
  void await_suspend(waiter who) noexcept {
    park(home_, who, wait_kind::read, never);
    home_.schedule(*this);
  }
  void await_resume() const noexcept {}

 private:
  loop& home_;
};

TEST_F(Loop, SendsATaskToTheBackAfterItsShareOfOperations) {
  int operations = 0;
  int seen = 0;
  auto greedy = [&]() -> task<> {
    for (; operations < 1000; ++operations) co_await instant{events};
  };
  auto modest = [&]() -> task<> {
    seen = operations;
    co_return;
  };
  events.spawn(greedy());
  events.spawn(modest());

  events.run();

  EXPECT_EQ(operations, 1000);
  EXPECT_EQ(seen, 63);  // the 64th waits
}

TEST_F(Loop, GivesATaskItsShareAgainEachTimeItIsResumed) {
  int operations = 0;
  auto body = [&]() -> task<> {
    for (int round = 0; round < 5; ++round) {
      for (int count = 0; count < 60; ++count) {
        co_await instant{events};
        ++operations;
      }
      co_await yield(events);
    }
  };
  events.spawn(body());

  for (int round = 1; round <= 5; ++round) {
    poll();
    EXPECT_EQ(operations, 60 * round);
  }
}

}  // namespace
}  // namespace copas
