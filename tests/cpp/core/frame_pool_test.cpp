#include "copas/core/frame_pool.hpp"

#include <gmock/gmock.h>

#include <cstring>
#include <set>
#include <thread>
#include <vector>

#include "copas/core/sleep.hpp"
#include "support/allocation_counter.hpp"
#include "support/virtual_loop.hpp"

namespace copas {
namespace {

#if COPAS_HAS_MEMORY_POOLS
using copas::testing::allocations;
using copas::testing::counts_allocations;
#endif

TEST(FramePool, GivesMemoryThatCanBeWritten) {
  for (const std::size_t size : {1U, 31U, 32U, 33U, 500U, 2047U, 2048U, 2049U, 100000U}) {
    void* memory = frame_pool::allocate(size);
    std::memset(memory, 0x5A, size);
    frame_pool::release(memory, size);
  }
}

TEST(FramePool, GivesDifferentBlocksToThoseWhoHoldThem) {
  std::set<void*> blocks;
  for (int count = 0; count < 100; ++count) blocks.insert(frame_pool::allocate(100));

  EXPECT_EQ(blocks.size(), 100U);
  for (void* each : blocks) frame_pool::release(each, 100);
}

#if COPAS_HAS_MEMORY_POOLS
TEST(FramePool, UsesABlockAgainForTheNextOfItsSize) {
  void* const first = frame_pool::allocate(200);
  frame_pool::release(first, 200);

  void* const second = frame_pool::allocate(199);

  EXPECT_EQ(second, first);
  frame_pool::release(second, 199);
}

TEST(FramePool, MakesATaskWithoutAllocatingWhenOneLikeItHasEnded) {
  loop events{std::make_unique<copas::testing::virtual_reactor>()};
  auto body = [](loop& home) -> task<> { co_await yield(home); };
  events.spawn(body(events));
  events.run();
  const std::size_t before = allocations();

  for (int round = 0; round < 100; ++round) {
    events.spawn(body(events));
    events.run();
  }

  EXPECT_EQ(allocations(), before);
}

TEST(FramePool, KeepsAnAmountThatIsBounded) {
  if (!counts_allocations()) GTEST_SKIP() << "somebody else has replaced operator new";
  std::vector<void*> blocks(5000);
  for (void*& each : blocks) each = frame_pool::allocate(64);
  for (void* each : blocks) frame_pool::release(each, 64);
  const std::size_t before = allocations();

  for (void*& each : blocks) each = frame_pool::allocate(64);

  EXPECT_GE(allocations() - before, 2000U);
  for (void* each : blocks) frame_pool::release(each, 64);
}
#endif

TEST(FramePool, TakesBlocksThatAnotherThreadAllocated) {
  std::vector<void*> blocks(100);
  std::thread other{[&] {
    for (void*& each : blocks) each = frame_pool::allocate(64);
  }};
  other.join();

  for (void* each : blocks) frame_pool::release(each, 64);
}

}  // namespace
}  // namespace copas
