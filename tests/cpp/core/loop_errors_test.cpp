// What becomes of errors that leave a task.

#include "copas/core/loop.hpp"

#include <gmock/gmock.h>

#include <stdexcept>
#include <string>

#include "copas/core/sleep.hpp"
#include "support/loop_fixture.hpp"
#include "support/probe.hpp"

namespace copas {
namespace {

using namespace std::chrono_literals;
using copas::testing::bell;
using copas::testing::Loop;
using copas::testing::probe;
using ::testing::ElementsAre;

TEST_F(Loop, HandsAnExceptionOfATaskToTheErrorHandler) {
  std::string message;
  std::string name;
  events.on_error([&](const std::exception_ptr& error, const task_record& failed) {
    name = failed.name();
    try {
      std::rethrow_exception(error);
    } catch (const std::exception& what) {
      message = what.what();
    }
  });
  events.spawn(fail("spilled"), "barista");

  events.run();

  EXPECT_EQ(message, "spilled");
  EXPECT_EQ(name, "barista");
}

TEST_F(Loop, GoesOnWithOtherTasksAfterTheErrorHandlerWasCalled) {
  int failures = 0;
  events.on_error([&](const std::exception_ptr&, const task_record&) { ++failures; });
  events.spawn(fail("one"));
  events.spawn(append(1));
  events.spawn(fail("two"));
  events.spawn(append(2));

  events.run();

  EXPECT_EQ(failures, 2);
  EXPECT_THAT(log, ElementsAre(1, 2));
}

TEST_F(Loop, LetsAnExceptionOfATaskLeaveRunWhenThereIsNoHandler) {
  events.spawn(fail("spilled"));

  EXPECT_THROW(events.run(), std::runtime_error);
}

TEST_F(Loop, LetsWhatTheErrorHandlerThrowsLeaveRun) {
  events.on_error([](const std::exception_ptr&, const task_record&) { throw std::logic_error{"handler"}; });
  events.spawn(fail("spilled"));

  EXPECT_THROW(events.run(), std::logic_error);
}

TEST_F(Loop, IsAsItWasAfterAnExceptionLeftRun) {
  events.spawn(append(1));
  events.spawn(fail("spilled"));
  events.spawn(append(2));
  auto sleep = [&]() -> task<> {
    co_await sleep_for(events, 1s);
    log.push_back(3);
  };
  events.spawn(sleep());
  EXPECT_THROW(events.run(), std::runtime_error);
  EXPECT_THAT(log, ElementsAre(1));
  EXPECT_FALSE(events.finished());
  EXPECT_EQ(events.current(), nullptr);

  events.run();

  EXPECT_THAT(log, ElementsAre(1, 2, 3));
  EXPECT_TRUE(events.finished());
  EXPECT_TRUE(events.tasks().empty());
}

TEST_F(Loop, RunsTheReadersThatWereLeftAfterAnException) {
  bell door{events, 3};
  bell gate{events, 4};
  auto failing = [&]() -> task<> {
    co_await door.readable();
    throw std::runtime_error{"reader"};
  };
  auto reader = [&]() -> task<> {
    co_await gate.readable();
    log.push_back(1);
  };
  auto writer = [&]() -> task<> {
    co_await gate.writable();
    log.push_back(2);
  };
  events.spawn(failing());
  events.spawn(reader());
  events.spawn(writer());
  poll();
  system.inject(door.read_event());
  system.inject(gate.write_event());
  system.inject(gate.read_event());
  EXPECT_THROW(poll(), std::runtime_error);

  events.run();

  EXPECT_THAT(log, ElementsAre(1, 2));
}

TEST_F(Loop, SurvivesAnExceptionThatAWaiterThrows) {
  probe thrower{events, [] { throw std::runtime_error{"waiter"}; }};
  probe other{events, [&] { log.push_back(1); }};
  wait_list line;
  thrower.wait(&line);
  other.wait(&line);
  events.schedule(thrower);
  events.schedule(other);
  EXPECT_THROW(poll(), std::runtime_error);
  EXPECT_EQ(events.recover(), nullptr);

  events.run();

  EXPECT_THAT(log, ElementsAre(1));
}

// What a binding does for languages whose errors jump over our frames.
class foreign_task final : public task_record {
 public:
  explicit foreign_task(loop& home) : task_record{home} { home.schedule(*this); }
  [[nodiscard]] std::string name() const override { return "foreign"; }
  [[nodiscard]] std::string origin() const override { return "elsewhere"; }

 private:
  void begin() override { throw std::runtime_error{"foreign"}; }
  void destroy() override { delete this; }
};

TEST_F(Loop, TellsWhichTaskWasRunningWhenSomethingLeftATurn) {
  auto* const failing = new foreign_task{events};
  events.spawn(append(1));
  EXPECT_THROW(poll(), std::runtime_error);

  EXPECT_EQ(events.recover(), failing);
  EXPECT_EQ(events.current(), nullptr);
  EXPECT_FALSE(failing->running());
  failing->cancel();
  events.run();

  EXPECT_THAT(log, ElementsAre(1));
  EXPECT_TRUE(events.tasks().empty());
}

}  // namespace
}  // namespace copas
