#include "copas/core/frame_pool.hpp"

#include <array>
#include <new>

namespace copas::frame_pool {
namespace {

// Blocks have 8, 24, 40 bytes and so on: of these the general allocator of this system wastes the least.
constexpr std::size_t smallest = 8;
constexpr std::size_t granule = 16;
constexpr std::size_t largest = 2048;
constexpr std::size_t kept_per_size = 1024;

struct free_block {
  free_block* next;
};

struct free_list {
  free_block* first = nullptr;
  std::size_t length = 0;
};

// The thread's lists are constants at first and have no destructor, so that using them asks no question.
constinit thread_local std::array<free_list, largest / granule + 1> lists;

enum class stage : char { unused, in_use, closed };
constinit thread_local stage now = stage::unused;

void* take(free_list& from) noexcept {
  free_block* taken = from.first;
  from.first = taken->next;
  --from.length;
  return taken;
}

// Gives all blocks back at the end of the thread; what is released later goes straight back.
struct closing {
  ~closing() {
    for (free_list& each : lists) {
      while (each.first != nullptr) ::operator delete(take(each));
    }
    now = stage::closed;
  }
};

bool may_keep() noexcept {
  if (now == stage::unused) [[unlikely]] {
    static const thread_local closing at_end;
    now = stage::in_use;
  }
  return now == stage::in_use;
}

std::size_t index_of(std::size_t size) noexcept { return (size + granule - smallest - 1) / granule; }

constexpr bool pools(std::size_t size) noexcept { return COPAS_HAS_MEMORY_POOLS && size > 0 && size <= largest; }

}  // namespace

void* allocate(std::size_t size) {
  if (!pools(size)) return ::operator new(size);
  const std::size_t index = index_of(size);
  if (lists[index].first != nullptr) return take(lists[index]);
  return ::operator new(smallest + index * granule);
}

void release(void* memory, std::size_t size) noexcept {
  if (!pools(size) || !may_keep()) return ::operator delete(memory);
  free_list& into = lists[index_of(size)];
  if (into.length == kept_per_size) return ::operator delete(memory);
  into.first = new (memory) free_block{into.first};
  ++into.length;
}

}  // namespace copas::frame_pool
