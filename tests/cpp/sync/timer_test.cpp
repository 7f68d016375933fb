#include "copas/sync/timer.hpp"

#include <gmock/gmock.h>

#include <memory>
#include <optional>
#include <stdexcept>
#include <vector>

#include "copas/core/sleep.hpp"
#include "support/virtual_loop.hpp"

namespace copas {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class Timer : public copas::testing::virtual_loop_test {
 protected:
  task<> note() {
    calls.push_back(std::chrono::floor<std::chrono::milliseconds>(system.now() - start));
    co_return;
  }
  task<> note_and_wait(std::chrono::nanoseconds time) {
    calls.push_back(std::chrono::floor<std::chrono::milliseconds>(system.now() - start));
    co_await sleep_for(events, time);
    ++finished;
  }
  task<> do_at(std::chrono::nanoseconds time, std::function<void()> action) {
    co_await sleep_for(events, time);
    action();
  }

  deadline start = system.now();
  std::vector<std::chrono::milliseconds> calls;
  int finished = 0;
};

TEST_F(Timer, IsNotArmedAtFirst) {
  timer idle{events, [this] { return note(); }, 10ms};

  events.run();

  EXPECT_FALSE(idle.armed());
  EXPECT_THAT(calls, IsEmpty());
}

TEST_F(Timer, CallsOnceAfterItsDelay) {
  timer once{events, [this] { return note(); }, 10ms};

  once.arm();
  events.run();

  EXPECT_THAT(calls, ElementsAre(10ms));
  EXPECT_FALSE(once.armed());
}

TEST_F(Timer, CallsAgainAndAgainIfItRecurs) {
  timer recurring{events, [this] { return note(); }, 10ms, timer_mode::recurring};
  events.spawn(do_at(35ms, [&] { recurring.cancel(); }));

  recurring.arm();
  events.run();

  EXPECT_THAT(calls, ElementsAre(10ms, 20ms, 30ms));
}

TEST_F(Timer, StartsItsDelayAnewWhenTheCallbackHasFinished) {
  timer recurring{events, [this] { return note_and_wait(7ms); }, 10ms, timer_mode::recurring};
  events.spawn(do_at(40ms, [&] { recurring.cancel(); }));

  recurring.arm();
  events.run();

  EXPECT_THAT(calls, ElementsAre(10ms, 27ms));
}

TEST_F(Timer, MayHaveAnotherDelayBeforeTheFirstCall) {
  timer recurring{events, [this] { return note(); }, 10ms, timer_mode::recurring};
  events.spawn(do_at(20ms, [&] { recurring.cancel(); }));

  recurring.arm(3ms);
  events.run();

  EXPECT_THAT(calls, ElementsAre(3ms, 13ms));
}

TEST_F(Timer, CannotBeArmedTwice) {
  timer once{events, [this] { return note(); }, 10ms};

  EXPECT_TRUE(once.arm());
  EXPECT_FALSE(once.arm(1ms));
  events.run();

  EXPECT_THAT(calls, ElementsAre(10ms));
}

TEST_F(Timer, CanBeArmedAgainAfterItWentOff) {
  timer once{events, [this] { return note(); }, 10ms};
  once.arm();
  events.run();

  EXPECT_TRUE(once.arm());
  events.run();

  EXPECT_THAT(calls, ElementsAre(10ms, 20ms));
}

TEST_F(Timer, CanBeArmedInItsOwnCallback) {
  std::optional<timer> again;
  again.emplace(
      events,
      [&]() -> task<> {
        co_await note();
        if (calls.size() == 3) co_return;
        EXPECT_TRUE(again->arm());
      },
      10ms);

  again->arm();
  events.run();

  EXPECT_THAT(calls, ElementsAre(10ms, 20ms, 30ms));
}

TEST_F(Timer, LetsTheLoopEndAtOnceWhenItIsCancelled) {
  timer once{events, [this] { return note(); }, 1h};
  once.arm();
  poll();

  EXPECT_TRUE(once.cancel());
  events.run();

  EXPECT_EQ(system.now(), start);
  EXPECT_THAT(calls, IsEmpty());
  EXPECT_FALSE(once.cancel());
}

TEST_F(Timer, MayBeCancelledBeforeItsTaskHasRun) {
  timer once{events, [this] { return note(); }, 1h};
  once.arm();

  once.cancel();
  events.run();

  EXPECT_EQ(system.now(), start);
}

TEST_F(Timer, FinishesACallbackThatIsInProgressWhenItIsCancelled) {
  timer recurring{events, [this] { return note_and_wait(10ms); }, 10ms, timer_mode::recurring};
  events.spawn(do_at(15ms, [&] { EXPECT_TRUE(recurring.cancel()); }));

  recurring.arm();
  events.run();

  EXPECT_THAT(calls, ElementsAre(10ms));
  EXPECT_EQ(finished, 1);
}

TEST_F(Timer, IsArmedOnceWhenItIsCancelledAndArmedInItsCallback) {
  std::optional<timer> recurring;
  recurring.emplace(
      events,
      [&]() -> task<> {
        co_await note();
        if (calls.size() == 1) {
          recurring->cancel();
          recurring->arm();
        }
        if (calls.size() == 3) recurring->cancel();
      },
      10ms, timer_mode::recurring);

  recurring->arm();
  events.run();

  EXPECT_THAT(calls, ElementsAre(10ms, 20ms, 30ms));
}

TEST_F(Timer, MayBeDestroyedWhileItWaitsAndInItsCallback) {
  {
    timer waiting{events, [this] { return note(); }, 1h};
    waiting.arm();
    poll();
  }
  auto suicidal = std::make_unique<std::optional<timer>>();
  suicidal->emplace(
      events,
      [&]() -> task<> {
        suicidal.reset();
        co_await note();
      },
      10ms, timer_mode::recurring);
  (*suicidal)->arm();

  events.run();

  EXPECT_THAT(calls, ElementsAre(10ms));
}

TEST_F(Timer, MayOutliveItsTask) {
  timer waiting{events, [this] { return note(); }, 1h};
  waiting.arm();
  poll();

  events.cancel_all();

  EXPECT_TRUE(waiting.cancel());
  EXPECT_TRUE(events.tasks().empty());
}

TEST_F(Timer, ReportsExceptionsOfItsCallbackAndGoesOnIfItRecurs) {
  std::vector<std::string> reported;
  events.on_error([&](std::exception_ptr, const task_record& failed) { reported.push_back(failed.name()); });
  timer recurring{events,
                  [this]() -> task<> {
                    co_await note();
                    throw std::runtime_error{"mine"};
                  },
                  10ms, timer_mode::recurring, "failing"};
  events.spawn(do_at(25ms, [&] { recurring.cancel(); }));

  recurring.arm();
  events.run();

  EXPECT_THAT(calls, ElementsAre(10ms, 20ms));
  EXPECT_THAT(reported, ElementsAre("failing", "failing"));
}

}  // namespace
}  // namespace copas
