// What primitives cost where nobody has to wait, counted: allocations and turns.

#include <gmock/gmock.h>

#include "copas/core/task.hpp"
#include "copas/sync/lock.hpp"
#include "copas/sync/queue.hpp"
#include "copas/sync/semaphore.hpp"
#include "support/allocation_counter.hpp"
#include "support/virtual_loop.hpp"

namespace copas {
namespace {

using namespace copas::testing;

class CostOfPrimitives : public virtual_loop_test {
 public:
  // Runs a task, and counts how often it was resumed.
  void run(task<> body) {
    events.spawn(std::move(body));
    const std::uint64_t before = events.resumptions();
    events.run();
    resumptions = events.resumptions() - before;
  }

  std::size_t allocated = 0;
  std::uint64_t resumptions = 0;
};

// None where nothing comes from pools, and nothing is counted.
std::size_t allocations_so_far() noexcept {
#if COPAS_HAS_MEMORY_POOLS
  return allocations();
#else
  return 0;
#endif
}

// Does something often, and counts allocations in the second half.
template <class Operation>
task<> repeat(std::size_t& allocated, Operation once) {
  for (int time = 0; time < 1000; ++time) co_await once();
  const std::size_t before = allocations_so_far();
  for (int time = 0; time < 1000; ++time) co_await once();
  allocated = allocations_so_far() - before;
}

TEST_F(CostOfPrimitives, OfALockThatNobodyHoldsIsNeitherMemoryNorAWait) {
  lock door{events};

  run(repeat(allocated, [&]() -> task<> { EXPECT_TRUE((co_await door.get()).has_value()); }));

  EXPECT_EQ(resumptions, 1U);
  EXPECT_EQ(allocated, 0U);
}

TEST_F(CostOfPrimitives, OfASemaphoreThatHasUnitsIsNeitherMemoryNorAWait) {
  semaphore store{events, 3, 3};

  run(repeat(allocated, [&]() -> task<> {
    EXPECT_TRUE((co_await store.take(2)).has_value());
    store.give(2);
  }));

  EXPECT_EQ(resumptions, 1U);
  EXPECT_EQ(allocated, 0U);
}

TEST_F(CostOfPrimitives, OfAQueueThatHasItemsIsNeitherMemoryNorAWait) {
  queue<int> items{events};
  for (int each = 0; each < 300; ++each) EXPECT_TRUE(items.push(each));

  run(repeat(allocated, [&]() -> task<> {
    EXPECT_TRUE(items.push(1));
    EXPECT_TRUE((co_await items.pop()).has_value());
  }));

  EXPECT_EQ(resumptions, 1U);
  EXPECT_EQ(allocated, 0U);
}

}  // namespace
}  // namespace copas
