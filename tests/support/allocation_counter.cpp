#include "support/allocation_counter.hpp"

#if COPAS_HAS_MEMORY_POOLS

#include <atomic>
#include <cstdlib>
#include <new>

namespace copas::testing {
namespace {

std::atomic<std::size_t> calls = 0;
std::atomic<std::size_t> bytes = 0;

void* counted(std::size_t size) noexcept {
  calls.fetch_add(1, std::memory_order_relaxed);
  bytes.fetch_add(size, std::memory_order_relaxed);
  return std::malloc(size > 0 ? size : 1);
}

}  // namespace

std::size_t allocations() noexcept { return calls.load(std::memory_order_relaxed); }
std::size_t allocated_bytes() noexcept { return bytes.load(std::memory_order_relaxed); }

bool counts_allocations() {
  const std::size_t before = calls;
  // By their addresses, as other files call them: a tool may have replaced them there.
  void* (*volatile allocate)(std::size_t) = &::operator new;
  void (*volatile release)(void*) = &::operator delete;
  release(allocate(1));
  return calls != before;
}

}  // namespace copas::testing

// Replaced for the whole program; the array and the nothrow forms of the library call these.
void* operator new(std::size_t size) {
  if (void* memory = copas::testing::counted(size)) return memory;
  throw std::bad_alloc{};
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

#endif
