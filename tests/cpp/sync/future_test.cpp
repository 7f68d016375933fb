#include "copas/sync/future.hpp"

#include <gmock/gmock.h>

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
using ::testing::Pair;

const std::string cancelled = make_error_code(errc::cancelled).message();

std::string text_of(const result<std::string>& outcome) { return outcome ? *outcome : outcome.error().message(); }

class Future : public copas::testing::virtual_loop_test {
 protected:
  task<> get(int id, deadline until = never) { log.emplace_back(id, text_of(co_await answer.get(until))); }
  void run_until_idle() {
    do poll();
    while (events.busy());
  }

  std::optional<promise<std::string>> question{std::in_place, events};
  future<std::string> answer = question->get_future();
  std::vector<std::pair<int, std::string>> log;
};

TEST_F(Future, IsPendingAtFirst) {
  EXPECT_EQ(answer.try_get(), nullptr);
  EXPECT_FALSE(question->kept());
}

TEST_F(Future, HasTheValueOfThePromise) {
  EXPECT_TRUE(question->keep("42"));

  EXPECT_TRUE(question->kept());
  ASSERT_NE(answer.try_get(), nullptr);
  EXPECT_EQ(text_of(*answer.try_get()), "42");
}

TEST_F(Future, HasTheErrorOfThePromise) {
  EXPECT_TRUE(question->fail(errc::closed));

  ASSERT_NE(answer.try_get(), nullptr);
  EXPECT_EQ(answer.try_get()->error(), errc::closed);
}

TEST_F(Future, KeepsTheFirstOutcome) {
  EXPECT_TRUE(question->keep("first"));

  EXPECT_FALSE(question->keep("second"));
  EXPECT_FALSE(question->fail(errc::closed));
  EXPECT_EQ(text_of(*answer.try_get()), "first");
}

TEST_F(Future, DoesNotLetWaitOnceItIsComplete) {
  question->keep("42");
  events.spawn(get(1));

  poll();

  EXPECT_THAT(log, ElementsAre(Pair(1, "42")));
}

TEST_F(Future, MayBeAskedAgainAndAgain) {
  question->keep("42");
  events.spawn(get(1));
  poll();
  events.spawn(get(2));

  poll();

  EXPECT_THAT(log, ElementsAre(Pair(1, "42"), Pair(2, "42")));
}

TEST_F(Future, WakesAllWaitersInTheOrderInWhichTheyCame) {
  for (int id = 1; id <= 3; ++id) events.spawn(get(id));
  poll();

  question->keep("42");
  run_until_idle();

  EXPECT_THAT(log, ElementsAre(Pair(1, "42"), Pair(2, "42"), Pair(3, "42")));
}

TEST_F(Future, GivesUpAtTheDeadline) {
  const deadline due = in(5ms);
  events.spawn(get(1, due));

  events.run();

  EXPECT_THAT(log, ElementsAre(Pair(1, make_error_code(errc::timed_out).message())));
  EXPECT_EQ(system.now(), due);
}

TEST_F(Future, ServesOneWhoseTimeHasPassedIfTheResultComesBeforeItsTurn) {
  auto keep = [&]() -> task<> {
    co_await sleep_for(events, 5ms);
    question->keep("42");
  };
  events.spawn(keep());
  events.spawn(get(1, in(5ms)));

  events.run();

  EXPECT_THAT(log, ElementsAre(Pair(1, "42")));
}

TEST_F(Future, ForgetsAWaiterThatIsCancelled) {
  scope waiting{events};
  waiting.spawn(get(1));
  waiting.spawn(get(2));
  events.spawn(get(3));
  poll();

  question->keep("42");
  waiting.cancel();
  run_until_idle();

  EXPECT_THAT(log, ElementsAre(Pair(3, "42")));
}

TEST_F(Future, IsCancelledWhenThePromiseGoes) {
  events.spawn(get(1));
  poll();

  question.reset();
  run_until_idle();

  EXPECT_THAT(log, ElementsAre(Pair(1, cancelled)));
}

TEST_F(Future, IsCancelledWhenAnotherPromiseTakesThePlaceOfItsOwn) {
  *question = promise<std::string>{events};

  ASSERT_NE(answer.try_get(), nullptr);
  EXPECT_EQ(answer.try_get()->error(), errc::cancelled);
  EXPECT_FALSE(question->kept());
}

TEST_F(Future, StaysPendingWhenThePromiseIsMoved) {
  promise<std::string> moved{std::move(*question)};
  question.reset();

  EXPECT_EQ(answer.try_get(), nullptr);
  EXPECT_TRUE(moved.keep("42"));
  EXPECT_EQ(text_of(*answer.try_get()), "42");
}

TEST_F(Future, OutlivesItsPromise) {
  question->keep("42");
  question.reset();
  events.spawn(get(1));

  poll();

  EXPECT_THAT(log, ElementsAre(Pair(1, "42")));
}

TEST_F(Future, MayGoWhileSomebodyWaitsForIt) {
  auto body = [&](future<std::string> own) -> task<> {
    auto& waiting = own;
    log.emplace_back(1, text_of(co_await std::exchange(waiting, answer).get()));
  };
  promise<std::string> other{events};
  events.spawn(body(other.get_future()));
  poll();

  other.keep("42");
  run_until_idle();

  EXPECT_THAT(log, ElementsAre(Pair(1, "42")));
}

TEST_F(Future, MayHaveNoValue) {
  promise<> done{events};
  bool finished = false;
  auto body = [&](future<> awaited) -> task<> { finished = (co_await awaited.get()).has_value(); };
  events.spawn(body(done.get_future()));
  poll();

  EXPECT_TRUE(done.keep());
  run_until_idle();

  EXPECT_TRUE(finished);
}

TEST_F(Future, MayHaveAValueThatOnlyMoves) {
  promise<std::unique_ptr<int>> made{events};
  const auto awaited = made.get_future();

  EXPECT_TRUE(made.keep(std::make_unique<int>(7)));

  EXPECT_EQ(***awaited.try_get(), 7);
}

TEST_F(Future, MayOutliveItsLoop) {
  auto own = std::make_unique<loop>(std::make_unique<copas::testing::virtual_reactor>());
  promise<> late{*own};
  auto body = [](future<> awaited) -> task<> { static_cast<void>(co_await awaited.get()); };
  own->spawn(body(late.get_future()));
  own->turn(own->io().now());

  own.reset();

  EXPECT_TRUE(late.keep());
}

TEST_F(Future, IsCancelledWhenTheLoopDestroysTheTaskThatHasThePromise) {
  auto own = std::make_unique<loop>(std::make_unique<copas::testing::virtual_reactor>());
  promise<> late{*own};
  const future<> awaited = late.get_future();
  auto keeper = [&](promise<> owned) -> task<> {
    co_await sleep_for(*own, 1h);
    owned.keep();
  };
  auto body = [](future<> shared) -> task<> { static_cast<void>(co_await shared.get()); };
  own->spawn(keeper(std::move(late)));
  own->spawn(body(awaited));
  own->turn(own->io().now());

  own.reset();

  ASSERT_NE(awaited.try_get(), nullptr);
  EXPECT_EQ(awaited.try_get()->error(), errc::cancelled);
}

TEST_F(Future, SaysWhatItsWaitersDo) {
  events.spawn(get(1));
  poll();

  EXPECT_EQ(events.tasks().front().waiting_on()->activity(), "waiting for a future");
}

#if COPAS_HAS_MEMORY_POOLS
TEST_F(Future, AllocatesNothingForAWait) {
  if (!copas::testing::counts_allocations()) GTEST_SKIP() << "allocations are not counted";
  promise<int> made{events};
  std::size_t seen = 0;
  auto body = [&](future<int> awaited) -> task<> {
    seen = copas::testing::allocations();
    static_cast<void>(co_await awaited.get());
    static_cast<void>(co_await awaited.get());
    seen = copas::testing::allocations() - seen;
  };
  events.spawn(body(made.get_future()));
  poll();

  made.keep(7);
  run_until_idle();

  EXPECT_EQ(seen, 0U);
}
#endif

TEST(StressFuture, WakesACrowdOfWaiters) {
  constexpr int crowd = 100'000;
  loop events{std::make_unique<copas::testing::virtual_reactor>()};
  promise<int> made{events};
  int sum = 0;
  auto body = [&](future<int> awaited) -> task<> { sum += (co_await awaited.get()).value_or(0); };
  scope waiting{events};
  for (int count = 0; count < crowd; ++count) waiting.spawn(body(made.get_future()));
  events.turn(events.io().now());

  made.keep(1);
  events.turn(events.io().now());

  EXPECT_EQ(sum, crowd);
}

}  // namespace
}  // namespace copas
