#include "scarce_memory.hpp"

#include <cstddef>
#include <cstdlib>
#include <new>

namespace copas::testing {
namespace {

struct supply {
  bool limited;
  long left;
  long failures;
  bool ran_out;
};
constinit thread_local supply here{};

bool refuses() noexcept {
  if (!here.limited) return false;
  if (here.left > 0) {
    --here.left;
    return false;
  }
  if (here.failures == 0) return false;
  --here.failures;
  here.ran_out = true;
  return true;
}

}  // namespace

scarce_memory::scarce_memory(long left, long failures) noexcept {
  here = {.limited = true, .left = left, .failures = failures, .ran_out = false};
}

scarce_memory::~scarce_memory() { here.limited = false; }

bool scarce_memory::ran_out() const noexcept { return here.ran_out; }

}  // namespace copas::testing

// Where a sanitizer has operators of its own, all forms must be from here.
void* operator new(std::size_t size) {
  void* const memory = copas::testing::refuses() ? nullptr : std::malloc(size > 0 ? size : 1);
  if (memory == nullptr) throw std::bad_alloc{};
  return memory;
}
void* operator new[](std::size_t size) { return operator new(size); }
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  return copas::testing::refuses() ? nullptr : std::malloc(size > 0 ? size : 1);
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, const std::nothrow_t&) noexcept { std::free(memory); }
