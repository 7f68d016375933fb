#include "copas/http/pool.hpp"

#include <gmock/gmock.h>

#include "copas/core/sleep.hpp"
#include "support/reactors.hpp"
#include "support/run.hpp"
#include "support/streams.hpp"

namespace copas::http {
namespace {

using namespace std::chrono_literals;
using namespace copas::testing;

class Pool : public world_test {
 protected:
  // Turns the loop until it has heard what the peers did.
  void hear() {
    auto nap = [](loop& home) -> task<> { co_await sleep_for(home, 1ms); };
    copas::testing::run(events, nap(events));
  }

  connection_pool pool{events};
};
INSTANTIATE_TEST_SUITE_P(Worlds, Pool, every_world, name_of_world);

TEST_P(Pool, GivesTheConnectionThatWasUsedLastForTheSameKey) {
  connection one, two, other;
  pool.put("a", one.ours);
  pool.put("a", two.ours);
  pool.put("b", other.ours);

  EXPECT_EQ(pool.take("a").get(), two.ours.get());
  EXPECT_EQ(pool.take("a").get(), one.ours.get());
  EXPECT_FALSE(pool.take("a"));
  EXPECT_EQ(pool.size(), 1U);
}

TEST_P(Pool, ClosesWhatIsNotClean) {
  connection one;
  one.theirs.send("x");
  pool.put("a", one.ours);

  EXPECT_EQ(pool.size(), 0U);
  EXPECT_FALSE(one.ours->open());
}

TEST_P(Pool, DropsAConnectionOnWhichSomethingHasCome) {
  connection ended, talked;
  pool.put("a", ended.ours);
  pool.put("a", talked.ours);
  ended.theirs.close();
  talked.theirs.send("x");
  hear();

  EXPECT_FALSE(pool.take("a"));
  EXPECT_FALSE(ended.ours->open());
  EXPECT_FALSE(talked.ours->open());
}

TEST_P(Pool, ClosesTheOldestIfThereAreTooMany) {
  pool.limit({.per_key = 2, .total = 3, .idle = 1h});
  connection one, two, three, four, five;
  pool.put("a", one.ours);
  pool.put("a", two.ours);
  pool.put("a", three.ours);
  EXPECT_FALSE(one.ours->open());
  EXPECT_EQ(pool.size(), 2U);

  pool.put("b", four.ours);
  pool.put("c", five.ours);
  EXPECT_EQ(pool.size(), 3U);
  EXPECT_TRUE(five.ours->open());
}

TEST_P(Pool, ClosesThoseThatNobodyHasUsedForAWhileWithoutKeepingTheLoopRunning) {
  pool.limit({.idle = 20ms});
  connection one;
  pool.put("a", one.ours);
  EXPECT_TRUE(events.finished());

  auto nap = [](loop& home) -> task<> { co_await sleep_for(home, 30ms); };
  copas::testing::run(events, nap(events));

  EXPECT_EQ(pool.size(), 0U);
  EXPECT_FALSE(one.ours->open());
}

TEST_P(Pool, ClosesOneWithATimeOfItsOwnBeforeTheOthers) {
  connection before, brief, after;
  pool.put("a", before.ours);
  pool.put("a", brief.ours, 20ms);
  pool.put("a", after.ours);

  auto nap = [](loop& home) -> task<> { co_await sleep_for(home, 30ms); };
  copas::testing::run(events, nap(events));

  EXPECT_FALSE(brief.ours->open());
  EXPECT_TRUE(before.ours->open());
  EXPECT_TRUE(after.ours->open());
  EXPECT_EQ(pool.size(), 2U);
}

TEST_P(Pool, HasWhatWasPutInTheSameTurnHoweverLongThatTakes) {
  connection one;
  bool found = false;
  auto slow = [&](loop& home) -> task<> {
    pool.put("a", one.ours, 1ms);
    const auto put = home.io().now();
    while (home.io().now() < put + 10ms) static_cast<void>(home.io().wall());  // which takes a moment
    found = pool.take("a").get() == one.ours.get();
    co_return;
  };
  copas::testing::run(events, slow(events));

  EXPECT_TRUE(found);
}

TEST_P(Pool, ClosesAllWhenItEnds) {
  connection one;
  {
    connection_pool short_lived{events};
    short_lived.put("a", one.ours);
  }

  EXPECT_FALSE(one.ours->open());
}

TEST(PoolOfNoLoop, MayOutliveIt) {
  connection one;
  auto events = std::make_unique<loop>(make_reactor(world::plain));
  connection_pool pool{*events};
  pool.put("a", one.ours);

  events.reset();

  EXPECT_EQ(pool.size(), 1U);
}

}  // namespace
}  // namespace copas::http
