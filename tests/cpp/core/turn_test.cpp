// The four phases of a turn, and what runs in which.

#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "copas/core/loop.hpp"
#include "copas/core/sleep.hpp"
#include "support/probe.hpp"
#include "support/virtual_loop.hpp"

namespace copas {
namespace {

using namespace std::chrono_literals;
using copas::testing::bell;
using copas::testing::probe;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class Turn : public copas::testing::virtual_loop_test {
 protected:
  void spawn_yielding(const std::string& name, int times) {
    auto body = [](Turn& self, std::string what, int count) -> task<> {
      for (int round = 1; round <= count; ++round) {
        self.log.push_back(what + std::to_string(round));
        co_await yield(self.events);
      }
    };
    events.spawn(body(*this, name, times));
  }
  task<> note(std::string what) {
    log.push_back(std::move(what));
    co_return;
  }

  std::vector<std::string> take_log() { return std::exchange(log, {}); }

  std::vector<std::string> log;
  bell door{events, 3};
  bell gate{events, 4};
};

TEST_F(Turn, RunsReadersThenWritersThenWhatWasReadyThenSleepers) {
  auto read = [&]() -> task<> {
    co_await door.readable();
    log.push_back("reader");
  };
  auto write = [&]() -> task<> {
    co_await gate.writable();
    log.push_back("writer");
  };
  auto sleep = [&]() -> task<> {
    co_await sleep_for(events, 5ms);
    log.push_back("sleeper");
  };
  events.spawn(read());
  events.spawn(write());
  events.spawn(sleep());
  poll();

  events.spawn(note("ready"));
  system.advance(5ms);
  system.inject(gate.write_event());
  system.inject(door.read_event());
  poll();

  EXPECT_THAT(log, ElementsAre("reader", "writer", "ready", "sleeper"));
}

TEST_F(Turn, RunsReadersInTheOrderOfTheirEvents) {
  auto read = [&](bell& at, std::string name) -> task<> {
    co_await at.readable();
    log.push_back(name);
  };
  events.spawn(read(door, "door"));
  events.spawn(read(gate, "gate"));
  poll();

  system.inject(gate.read_event());
  system.inject(door.read_event());
  poll();

  EXPECT_THAT(log, ElementsAre("gate", "door"));
}

TEST_F(Turn, RunsWhatAReaderMakesReadyInTheSameTurn) {
  auto read = [&]() -> task<> {
    co_await door.readable();
    log.push_back("reader");
    events.spawn(note("spawned"));
    co_await yield(events);
    log.push_back("reader again");
  };
  events.spawn(read());
  poll();

  system.inject(door.read_event());
  poll();

  EXPECT_THAT(log, ElementsAre("reader", "spawned", "reader again"));
}

TEST_F(Turn, RunsWhatAWriterMakesReadyInTheSameTurn) {
  auto write = [&]() -> task<> {
    co_await door.writable();
    co_await yield(events);
    log.push_back("writer again");
  };
  events.spawn(write());
  poll();

  system.inject(door.write_event());
  poll();

  EXPECT_THAT(log, ElementsAre("writer again"));
}

TEST_F(Turn, RunsWhatAReadyTaskMakesReadyInTheNextTurn) {
  auto parent = [&]() -> task<> {
    events.spawn(note("child"));
    log.push_back("parent");
    co_await yield(events);
    log.push_back("parent again");
  };
  events.spawn(parent());

  poll();
  EXPECT_THAT(take_log(), ElementsAre("parent"));

  poll();
  EXPECT_THAT(take_log(), ElementsAre("child", "parent again"));
}

TEST_F(Turn, RunsEachTaskOnceHoweverOftenItYields) {
  spawn_yielding("a", 3);
  spawn_yielding("b", 3);

  poll();
  EXPECT_THAT(take_log(), ElementsAre("a1", "b1"));
  poll();
  EXPECT_THAT(take_log(), ElementsAre("a2", "b2"));
}

TEST_F(Turn, RunsSleepersInTheOrderInWhichTheyAreDue) {
  auto sleep = [&](std::chrono::milliseconds time) -> task<> {
    co_await sleep_for(events, time);
    log.push_back(std::to_string(time.count()));
  };
  for (const auto time : {30ms, 10ms, 20ms}) events.spawn(sleep(time));
  poll();

  system.advance(1s);
  poll();

  EXPECT_THAT(log, ElementsAre("10", "20", "30"));
}

TEST_F(Turn, WakesASleeperWhoseTimeIsPastInTheSameTurn) {
  auto body = [&]() -> task<> {
    co_await door.readable();
    co_await sleep_until(events, system.now());
    log.push_back("slept");
  };
  events.spawn(body());
  poll();

  system.inject(door.read_event());
  poll();

  EXPECT_THAT(log, ElementsAre("slept"));
}

TEST_F(Turn, DoesNotSpinOnASleeperWhoseTimeIsPast) {
  auto body = [&]() -> task<> {
    for (;;) {
      log.push_back("x");
      co_await sleep_until(events, system.now() - 1s);
    }
  };
  events.spawn(body());

  poll();
  EXPECT_THAT(take_log(), ElementsAre("x"));
  poll();
  EXPECT_THAT(take_log(), ElementsAre("x"));
}

TEST_F(Turn, WaitsNotWhileSomethingIsReady) {
  spawn_yielding("a", 2);
  const deadline start = system.now();

  events.turn(in(1s));
  events.turn(in(1s));

  EXPECT_EQ(system.calls().waits, 2U);
  EXPECT_EQ(system.now(), start);
}

TEST_F(Turn, WaitsForTheNextTimerWhenNothingIsReady) {
  auto sleep = [&]() -> task<> { co_await sleep_for(events, 7ms); };
  events.spawn(sleep());
  const deadline due = in(7ms);
  poll();

  events.turn();

  EXPECT_EQ(system.now(), due);
  EXPECT_TRUE(events.finished());
}

TEST_F(Turn, WaitsNoLongerThanItsCallerWants) {
  auto sleep = [&]() -> task<> { co_await sleep_for(events, 1s); };
  events.spawn(sleep());
  poll();
  const deadline limit = in(5ms);

  events.turn(limit);

  EXPECT_EQ(system.now(), limit);
  EXPECT_FALSE(events.finished());
}

TEST_F(Turn, SaysWhetherADescriptorHadAnEvent) {
  spawn_yielding("a", 2);
  EXPECT_FALSE(poll());

  system.inject(door.read_event());
  EXPECT_TRUE(poll());
  EXPECT_FALSE(poll());
}

TEST_F(Turn, IgnoresEventsOfADescriptorThatNobodyIsAttachedTo) {
  system.inject({.fd = 77, .generation = 1, .readable = true});
  system.inject({.fd = 77777, .generation = 1, .readable = true});

  EXPECT_FALSE(poll());
}

TEST_F(Turn, IgnoresEventsOfADescriptorWhoseNumberHasANewOwner) {
  const io_event old = door.read_event();
  bell successor{events, 3};

  system.inject(old);
  EXPECT_FALSE(poll());

  EXPECT_EQ(door.events, 0);
  EXPECT_EQ(successor.events, 0);
}

TEST_F(Turn, LetsPromptOnesJoinTheReaders) {
  probe handler{events, [&] { log.push_back("handler"); }};
  wait_list line;
  handler.wait(&line);
  auto accept = [&]() -> task<> {
    co_await door.readable();
    log.push_back("accept");
    events.schedule_promptly(handler);
  };
  auto write = [&]() -> task<> {
    co_await gate.writable();
    log.push_back("writer");
  };
  events.spawn(accept());
  events.spawn(write());
  poll();

  system.inject(gate.write_event());
  system.inject(door.read_event());
  poll();

  EXPECT_THAT(log, ElementsAre("accept", "handler", "writer"));
}

TEST_F(Turn, RunsTheSecondHalfOfANodeRightBehindIt) {
  probe second_half{events, [&] { log.push_back("second half"); }};
  wait_list line;
  second_half.wait(&line);
  auto first = [&]() -> task<> {
    events.schedule_next(second_half);
    log.push_back("first half");
    co_return;
  };
  auto other = [&]() -> task<> {
    log.push_back("other");
    co_return;
  };
  events.spawn(first());
  events.spawn(other());

  poll();

  EXPECT_THAT(log, ElementsAre("first half", "second half", "other"));
}

TEST_F(Turn, TreatsPromptOnesAsReadyOutsideOfTheReadersPhase) {
  probe handler{events, [&] { log.push_back("handler"); }};
  wait_list line;
  handler.wait(&line);
  auto body = [&]() -> task<> {
    events.schedule_promptly(handler);
    log.push_back("body");
    co_return;
  };
  events.spawn(body());

  poll();
  EXPECT_THAT(take_log(), ElementsAre("body"));
  poll();
  EXPECT_THAT(take_log(), ElementsAre("handler"));
}

TEST_F(Turn, RunsWhatIsWokenForTheNextTurnBehindWhatItsEventsWake) {
  probe first{events, [&] { log.push_back("first"); }};
  probe second{events, [&] { log.push_back("second"); }};
  for (probe* each : {&first, &second}) each->wait(nullptr, never, wait_kind::read);
  auto read = [&]() -> task<> {
    co_await door.readable();
    log.push_back("reader");
  };
  events.spawn(read());
  poll();

  events.wake_in_next_turn(first, wake_reason::closed);
  events.wake_in_next_turn(second, wake_reason::closed);
  events.spawn(note("ready"));
  system.inject(door.read_event());
  EXPECT_TRUE(events.busy());
  EXPECT_TRUE(poll());

  EXPECT_THAT(log, ElementsAre("reader", "first", "second", "ready"));
  EXPECT_EQ(first.reason(), wake_reason::closed);
}

TEST_F(Turn, RunsWhatIsWokenDuringItsPhasesInTheNextOne) {
  probe woken{events, [&] { log.push_back("woken"); }};
  woken.wait(nullptr, never, wait_kind::read);
  auto read = [&]() -> task<> {
    co_await door.readable();
    log.push_back("reader");
    events.wake_in_next_turn(woken, wake_reason::event);
  };
  events.spawn(read());
  poll();

  system.inject(door.read_event());
  poll();
  EXPECT_THAT(take_log(), ElementsAre("reader"));
  poll();
  EXPECT_THAT(take_log(), ElementsAre("woken"));
}

TEST_F(Turn, LeavesWhatWasWokenInItsPlace) {
  probe first{events, [&] { log.push_back("first"); }};
  probe second{events, [&] { log.push_back("second"); }};
  for (probe* each : {&first, &second}) {
    each->wait(nullptr, never, wait_kind::read);
    events.schedule(*each);
  }

  events.wake_in_next_turn(first, wake_reason::closed);
  poll();

  EXPECT_THAT(log, ElementsAre("first", "second"));
  EXPECT_EQ(first.reason(), wake_reason::closed);
}

TEST_F(Turn, MarksAllEventsBeforeAnythingRuns) {
  auto read = [&]() -> task<> {
    co_await door.readable();
    log.push_back(std::to_string(gate.events));
  };
  events.spawn(read());
  poll();

  system.inject(door.read_event());
  system.inject(gate.read_event());
  poll();

  EXPECT_THAT(log, ElementsAre("1"));
}

// Polling costs more than a switch of tasks, so it is not done for each.

TEST_F(Turn, AsksTheReactorEverySixtyFourthTimeWhileTasksAreReadyAndNobodyWaitsForADescriptor) {
  spawn_yielding("a", 1000);
  events.turn();
  const std::size_t before = system.calls().waits;

  for (int turn = 0; turn < 640; ++turn) events.turn();

  EXPECT_EQ(system.calls().waits - before, 10U);
}

TEST_F(Turn, AsksTheReactorEachTimeWhileSomebodyWaitsForADescriptor) {
  spawn_yielding("a", 1000);
  auto read = [&]() -> task<> { co_await door.readable(); };
  events.spawn(read());
  events.turn();
  const std::size_t before = system.calls().waits;

  for (int turn = 0; turn < 5; ++turn) events.turn();

  EXPECT_EQ(system.calls().waits - before, 5U);
}

TEST_F(Turn, AsksTheReactorWithinSixteenTasksAfterTheCoarseClockHasMoved) {
  spawn_yielding("a", 1000);
  for (int turn = 0; turn < 65; ++turn) events.turn();
  const std::size_t before = system.calls().waits;

  system.advance(4ms);
  for (int turn = 0; turn < 16; ++turn) events.turn();

  EXPECT_EQ(system.calls().waits - before, 1U);
}

TEST_F(Turn, AsksTheReactorEachTimeForACallerWithALimit) {
  spawn_yielding("a", 1000);
  const std::size_t before = system.calls().waits;

  for (int turn = 0; turn < 5; ++turn) poll();

  EXPECT_EQ(system.calls().waits - before, 5U);
}

TEST_F(Turn, FiresTimersThoughItDoesNotAskTheReactor) {
  spawn_yielding("a", 100);
  auto sleep = [&]() -> task<> {
    co_await sleep_until(events, system.now());
    log.push_back("slept");
  };
  events.spawn(sleep());
  for (int turn = 0; turn < 3; ++turn) events.turn();

  EXPECT_THAT(log, ::testing::Contains("slept"));
}

}  // namespace
}  // namespace copas
