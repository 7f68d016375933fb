#include <gmock/gmock.h>

#include <atomic>
#include <memory>
#include <numeric>
#include <stdexcept>
#include <thread>
#include <vector>

#include "copas/core/loop.hpp"
#include "copas/core/sleep.hpp"
#include "copas/io/system_reactor.hpp"
#include "support/virtual_loop.hpp"

namespace copas {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;

class Post : public copas::testing::virtual_loop_test {
 protected:
  void post(int value) {
    events.post([this, value] { log.push_back(value); });
  }

  std::vector<int> log;
};

TEST_F(Post, RunsAJobInTheNextTurn) {
  post(1);
  EXPECT_FALSE(events.finished());
  EXPECT_THAT(log, ElementsAre());

  events.run();

  EXPECT_THAT(log, ElementsAre(1));
  EXPECT_TRUE(events.finished());
}

TEST_F(Post, KeepsTheOrderOfJobs) {
  for (int each = 1; each <= 4; ++each) post(each);

  events.run();

  EXPECT_THAT(log, ElementsAre(1, 2, 3, 4));
}

TEST_F(Post, RunsAJobThatAJobPostsInTheNextTurn) {
  events.post([this] { post(1); });

  poll();
  EXPECT_THAT(log, ElementsAre());

  poll();
  EXPECT_THAT(log, ElementsAre(1));
}

TEST_F(Post, LetsAJobSpawnTasks) {
  auto body = [&]() -> task<> {
    log.push_back(1);
    co_return;
  };
  events.post([&] { events.spawn(body()); });

  events.run();

  EXPECT_THAT(log, ElementsAre(1));
}

TEST_F(Post, RunsTheOtherJobsAfterOneThrew) {
  post(1);
  events.post([] { throw std::runtime_error{"job"}; });
  post(2);
  EXPECT_THROW(events.run(), std::runtime_error);
  EXPECT_FALSE(events.finished());

  events.run();

  EXPECT_THAT(log, ElementsAre(1, 2));
}

TEST_F(Post, DropsJobsThatNeverRanWithTheLoop) {
  auto held = std::make_shared<int>(0);
  {
    loop own{std::make_unique<copas::testing::virtual_reactor>()};
    own.post([held] {});
  }

  EXPECT_EQ(held.use_count(), 1);
}

TEST_F(Post, WakesALoopThatSleeps) {
  loop own{system_reactor()};
  bool done = false;
  auto wait = [&]() -> task<> {
    while (!done) co_await sleep_for(own, 24h);
  };
  own.spawn(wait());
  own.turn(own.io().now());
  std::thread other{[&] {
    own.post([&] {
      own.stop();
      done = true;
    });
  }};

  own.run();
  other.join();

  EXPECT_TRUE(done);
}

TEST_F(Post, LosesNoJobOfManyThreads) {
  constexpr int threads = 4;
  constexpr int jobs = 5000;
  loop own{system_reactor()};
  std::vector<int> seen(threads, 0);
  bool in_order = true;
  int finished = 0;
  std::vector<std::thread> others;
  for (int index = 0; index < threads; ++index) {
    others.emplace_back([&, index] {
      for (int job = 0; job < jobs; ++job) {
        own.post([&, index, job] {
          int& count = seen[static_cast<std::size_t>(index)];
          in_order = in_order && count == job;
          ++count;
          if (count == jobs) ++finished;
        });
      }
    });
  }
  auto wait = [&]() -> task<> {
    while (finished < threads) co_await sleep_for(own, 1ms);
  };
  own.spawn(wait());

  own.run();
  for (std::thread& each : others) each.join();

  EXPECT_THAT(seen, ::testing::Each(jobs));
  EXPECT_TRUE(in_order);
}

TEST_F(Post, IsSeenByALoopThatGoesToSleepJustThen) {
  loop own{system_reactor()};
  std::atomic<int> asked = 0;
  int answered = 0;
  constexpr int rounds = 2000;
  auto keep_alive = [&]() -> task<> {
    while (answered < rounds) co_await sleep_for(own, 24h);
  };
  own.spawn(keep_alive());
  std::thread other{[&] {
    for (int round = 1; round <= rounds; ++round) {
      asked = round;
      own.post([&] { ++answered; });
    }
  }};

  while (answered < rounds) own.turn();
  other.join();

  EXPECT_EQ(asked, rounds);
  EXPECT_EQ(answered, rounds);
}

TEST_F(Post, HandsResultsOfAThreadToATask) {
  loop own{system_reactor()};
  std::vector<int> numbers(1000);
  std::iota(numbers.begin(), numbers.end(), 1);
  int sum = 0;
  auto body = [&]() -> task<> {
    sleep_awaitable rest{own, own.io().now() + 24h};
    std::thread worker{[&] {
      const int result = std::accumulate(numbers.begin(), numbers.end(), 0);
      own.post([&, result] {
        sum = result;
        rest.wake();
      });
    }};
    co_await rest;
    worker.join();
  };
  own.spawn(body());

  own.run();

  EXPECT_EQ(sum, 500500);
}

}  // namespace
}  // namespace copas
