#include "copas/core/timers.hpp"

#include <gmock/gmock.h>

#include <chrono>
#include <memory>
#include <random>
#include <set>
#include <utility>
#include <vector>

#include "support/allocation_counter.hpp"

namespace copas {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;

constexpr deadline start{std::chrono::hours{1000}};
constexpr std::chrono::nanoseconds level_1 = 256 * 4096ns;
constexpr std::chrono::nanoseconds level_2 = 256 * level_1;
constexpr std::chrono::nanoseconds level_3 = 256 * level_2;
constexpr std::chrono::nanoseconds level_4 = 256 * level_3;
constexpr std::chrono::nanoseconds horizon = 256 * level_4;  // 52 days

// Timers told apart by their place in an array.
template <std::size_t Count>
class timers {
 public:
  timer_hook& operator[](std::size_t index) { return hooks_[index]; }
  int index_of(const timer_hook* hook) const { return hook == nullptr ? -1 : static_cast<int>(hook - hooks_.data()); }

  std::vector<int> fire(timer_queue& queue, deadline now) {
    std::vector<int> fired;
    while (const timer_hook* due = queue.pop_due(now)) fired.push_back(index_of(due));
    return fired;
  }

 private:
  std::array<timer_hook, Count> hooks_;
};

// Goes to each time the queue asks for, as an idle loop does, until a timer is due.
std::pair<timer_hook*, deadline> wait_for_first(timer_queue& queue, deadline now) {
  for (;;) {
    if (timer_hook* due = queue.pop_due(now)) return {due, now};
    const deadline next = queue.next_deadline();
    EXPECT_GT(next, now) << "the loop would spin";
    if (next <= now || next == never) return {nullptr, now};
    now = next;
  }
}

#if COPAS_HAS_MEMORY_POOLS
TEST(TimerQueue, SetsTimersWithoutAllocatingSoThatItCannotFail) {
  timers<1000> timers;
  timer_queue queue{start};
  const std::size_t before = copas::testing::allocations();

  for (std::size_t each = 0; each < 1000; ++each) queue.set(timers[each], start + each * 17ms);
  while (queue.pop_due(start + 9s) != nullptr) continue;

  EXPECT_EQ(copas::testing::allocations() - before, 0U);
}
#endif

TEST(TimerQueue, IsEmptyAtFirst) {
  timer_queue queue{start};

  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(queue.next_deadline(), never);
  EXPECT_EQ(queue.pop_due(start + 1000h), nullptr);
}

TEST(TimerQueue, FiresInTheOrderOfDeadlinesAcrossAllLevelsOfTheWheel) {
  timers<7> set;
  timer_queue queue{start};
  queue.set(set[0], start + 2 * level_3);
  queue.set(set[1], start + 2 * level_1);
  queue.set(set[2], start + 1us);
  queue.set(set[3], start + 2 * horizon);
  queue.set(set[4], start + 2 * level_2);
  queue.set(set[5], start + 300us);
  queue.set(set[6], start + 2 * level_4);

  EXPECT_THAT(set.fire(queue, start + 3 * horizon), ElementsAre(2, 5, 1, 4, 0, 6, 3));
}

TEST(TimerQueue, FiresEqualDeadlinesInTheOrderInWhichTheyWereSet) {
  timers<5> set;
  timer_queue queue{start};
  for (std::size_t index = 0; index < 5; ++index) queue.set(set[index], start + 700ms);

  EXPECT_THAT(set.fire(queue, start + 700ms), ElementsAre(0, 1, 2, 3, 4));
}

TEST(TimerQueue, FiresEqualDeadlinesInOrderThoughTheyWereSetFromDifferentDistances) {
  timers<3> set;
  timer_queue queue{start};
  queue.set(set[0], start + 10min);
  EXPECT_EQ(queue.pop_due(start + 9min), nullptr);
  queue.set(set[1], start + 10min);
  EXPECT_EQ(queue.pop_due(start + 10min - 1us), nullptr);
  queue.set(set[2], start + 10min);

  EXPECT_THAT(set.fire(queue, start + 10min), ElementsAre(0, 1, 2));
}

TEST(TimerQueue, NeverFiresEarly) {
  timer_hook timer;
  timer_queue queue{start};
  queue.set(timer, start + 5ms + 1ns);

  EXPECT_EQ(queue.pop_due(start + 5ms), nullptr);
  EXPECT_EQ(queue.pop_due(start + 5ms + 1ns), &timer);
}

TEST(TimerQueue, KeepsTheOrderOfDeadlinesWithinOneMillisecond) {
  timers<3> set;
  timer_queue queue{start};
  queue.set(set[0], start + 5ms + 3us);
  queue.set(set[1], start + 5ms + 1us);
  queue.set(set[2], start + 5ms + 2us);

  EXPECT_THAT(set.fire(queue, start + 6ms), ElementsAre(1, 2, 0));
}

TEST(TimerQueue, FiresAtOnceWhatIsDueAlready) {
  timers<3> set;
  timer_queue queue{start};
  queue.set(set[0], start - 1ns);
  queue.set(set[1], deadline::min());
  queue.set(set[2], start);

  EXPECT_THAT(set.fire(queue, start), ElementsAre(1, 0, 2));
}

TEST(TimerQueue, TellsTheExactDeadlineOfATimerThatIsNear) {
  timer_hook timer;
  timer_queue queue{start};
  queue.set(timer, start + 5ms + 123456ns);

  EXPECT_EQ(queue.next_deadline(), start + 5ms + 123456ns);
}

TEST(TimerQueue, DoesNotWakeTheLoopBeforeATimerIsDue) {
  for (const std::chrono::nanoseconds time : {1ns, 1'000'000ns, 60'000'000'000ns, 3'600'000'000'001ns}) {
    timer_hook timer;
    timer_hook later;
    timer_queue queue{start + 17min};
    queue.set(timer, start + 18min + time);
    queue.set(later, start + 19min + time);

    EXPECT_EQ(queue.next_deadline(), start + 18min + time);
  }
}

TEST(TimerQueue, ReachesAFarDeadlineInFewStepsThoughThereAreMany) {
  timers<1000> set;
  timer_queue queue{start};
  for (std::size_t index = 0; index < 1000; ++index) queue.set(set[index], start + 40 * 24h + 1ns);

  int steps = 0;
  deadline now = start;
  while (queue.pop_due(now) == nullptr) {
    const deadline next = queue.next_deadline();
    ASSERT_GT(next, now);
    now = next;
    ++steps;
  }

  EXPECT_EQ(now, start + 40 * 24h + 1ns);
  EXPECT_LE(steps, 5);
}

TEST(TimerQueue, KeepsDeadlinesBeyondItsHorizon) {
  timer_hook timer;
  timer_queue queue{start};
  queue.set(timer, start + 10 * horizon + 17us);

  const auto [fired, when] = wait_for_first(queue, start);

  EXPECT_EQ(fired, &timer);
  EXPECT_EQ(when, start + 10 * horizon + 17us);
}

TEST(TimerQueue, KeepsTheLastDeadlineThereIs) {
  timer_hook timer;
  timer_queue queue{start};
  queue.set(timer, never - 1ns);

  EXPECT_EQ(queue.pop_due(never - 2ns), nullptr);
  EXPECT_EQ(queue.pop_due(never - 1ns), &timer);
}

TEST(TimerQueue, WorksWhenItsTimeBeginsBeforeZero) {
  timers<3> set;
  timer_queue queue{deadline{-3ms}};
  queue.set(set[0], deadline{2ms});
  queue.set(set[1], deadline{-1ms});
  queue.set(set[2], deadline{500ms});

  EXPECT_THAT(set.fire(queue, deadline{1s}), ElementsAre(1, 0, 2));
}

TEST(TimerQueue, CatchesUpAfterAnIdleTimeLongerThanItsHorizon) {
  timer_hook timer;
  timer_queue queue{start};
  const deadline later = start + 3 * horizon;
  queue.set(timer, later + 20ms);

  EXPECT_EQ(queue.pop_due(later), nullptr);
  const auto [fired, when] = wait_for_first(queue, later);

  EXPECT_EQ(fired, &timer);
  EXPECT_EQ(when, later + 20ms);
}

TEST(TimerQueue, ForgetsACancelledTimer) {
  timers<3> set;
  timer_queue queue{start};
  queue.set(set[0], start + 1ms);
  queue.set(set[1], start + 2s);
  queue.set(set[2], start + 3s);

  queue.cancel(set[1]);
  queue.cancel(set[0]);

  EXPECT_FALSE(set[1].set());
  EXPECT_EQ(queue.size(), 1U);
  EXPECT_THAT(set.fire(queue, start + 10s), ElementsAre(2));
}

TEST(TimerQueue, LetsATimerBeSetAgain) {
  timer_hook timer;
  timer_queue queue{start};
  queue.set(timer, start + 1s);
  queue.cancel(timer);

  queue.set(timer, start + 2s);

  EXPECT_EQ(queue.pop_due(start + 1s), nullptr);
  EXPECT_EQ(queue.pop_due(start + 2s), &timer);
}

TEST(TimerQueue, LeavesTimersUnsetWhenItIsDestroyedFirst) {
  timers<3> set;
  {
    timer_queue queue{start};
    queue.set(set[0], start);
    queue.set(set[1], start + 1s);
    queue.set(set[2], start + 10 * horizon);
  }

  EXPECT_FALSE(set[0].set());
  EXPECT_FALSE(set[1].set());
  EXPECT_FALSE(set[2].set());
}

TEST(TimerQueue, DoesNotWakeTheLoopForTimersThatWereCancelled) {
  timer_hook cancelled;
  timer_hook kept;
  timer_queue queue{start};
  queue.set(cancelled, start + 50ms);
  queue.set(kept, start + 90ms);

  queue.cancel(cancelled);

  EXPECT_EQ(queue.next_deadline(), start + 90ms);
}

// The queue against a sorted set that does the same with no cleverness at all.
class TimerQueueModel : public ::testing::TestWithParam<unsigned> {
 protected:
  struct timer {
    timer_hook hook;
    std::pair<deadline, int> key;  // when, and in which order it was set
  };

  deadline random_deadline() {
    static constexpr std::array<std::chrono::nanoseconds, 9> reaches{10us,     3ms,      300ms,      30s, 2h,
                                                                     20 * 24h, 60 * 24h, 4000 * 24h, 0ns};
    const auto reach = reaches[random_() % reaches.size()];
    if (reach == 0ns) return now_ - std::chrono::nanoseconds{random_() % 1000000};
    std::chrono::nanoseconds away{static_cast<std::int64_t>(random_() % static_cast<std::uint64_t>(reach.count()))};
    if (random_() % 3 == 0) away = std::chrono::ceil<std::chrono::milliseconds>(away);  // so that some are equal
    return now_ + away;
  }

  void set() {
    timers_.push_back(std::make_unique<timer>());
    timer& added = *timers_.back();
    added.key = {random_deadline(), order_++};
    queue_.set(added.hook, added.key.first);
    model_.insert(added.key);
  }

  void cancel() {
    if (timers_.empty()) return;
    const auto chosen = timers_.begin() + static_cast<std::ptrdiff_t>(random_() % timers_.size());
    model_.erase((*chosen)->key);
    queue_.cancel((*chosen)->hook);
    timers_.erase(chosen);
  }

  void move_on() {
    switch (random_() % 4) {
      case 0: now_ += std::chrono::nanoseconds{random_() % 2000000}; break;
      case 1: now_ += std::chrono::milliseconds{random_() % 100000}; break;
      case 2: now_ += random_() % 50 == 0 ? std::chrono::hours{random_() % 3000} : 0h; break;
      default:
        if (const deadline next = queue_.next_deadline(); next != never) now_ = std::max(now_, next);
    }
  }

  void fire() {
    while (timer_hook* hook = queue_.pop_due(now_)) {
      const auto fired =
          std::find_if(timers_.begin(), timers_.end(), [&](const auto& each) { return &each->hook == hook; });
      ASSERT_NE(fired, timers_.end());
      ASSERT_FALSE(model_.empty());
      ASSERT_EQ((*fired)->key, *model_.begin());
      ASSERT_LE((*fired)->key.first, now_);
      model_.erase(model_.begin());
      timers_.erase(fired);
    }
    if (!model_.empty()) {
      ASSERT_GT(model_.begin()->first, now_) << "a timer that is due did not fire";
    }
  }

  void check() {
    ASSERT_EQ(queue_.size(), model_.size());
    ASSERT_EQ(queue_.empty(), model_.empty());
    const deadline next = queue_.next_deadline();
    if (model_.empty()) {
      ASSERT_EQ(next, never);
    } else {
      ASSERT_LE(next, model_.begin()->first);
    }
  }

  std::mt19937_64 random_{GetParam()};
  deadline now_{std::chrono::nanoseconds{static_cast<std::int64_t>(random_() % 1000000000000000000)}};
  std::vector<std::unique_ptr<timer>> timers_;
  timer_queue queue_{now_};
  std::set<std::pair<deadline, int>> model_;
  int order_ = 0;
};

TEST_P(TimerQueueModel, DoesWhatASortedSetDoes) {
  for (int step = 0; step < 5000; ++step) {
    switch (random_() % 8) {
      case 0:
      case 1:
      case 2:
      case 3: set(); break;
      case 4:
      case 5: cancel(); break;
      default: move_on(); ASSERT_NO_FATAL_FAILURE(fire());
    }
    ASSERT_NO_FATAL_FAILURE(check());
  }
}

TEST_P(TimerQueueModel, ComesToEachDeadlineByGoingWhereItAsks) {
  for (int count = 0; count < 200; ++count) set();
  ASSERT_NO_FATAL_FAILURE(fire());

  while (!model_.empty()) {
    const deadline next = queue_.next_deadline();
    ASSERT_GT(next, now_) << "the loop would spin";
    ASSERT_LE(next, model_.begin()->first) << "the loop would oversleep";
    now_ = next;
    ASSERT_NO_FATAL_FAILURE(fire());
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, TimerQueueModel, ::testing::Range(1U, 13U));

}  // namespace
}  // namespace copas
