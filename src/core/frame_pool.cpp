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
  std::size_t room = 0;  // for so many more; none before the first block of the thread was released
};

enum class stage : char { unused, in_use, closed };

// A constant at first, and without a destructor, so that using it asks no question.
struct thread_pool {
  std::array<free_list, largest / granule + 1> lists;
  stage now = stage::unused;
};
constinit thread_local thread_pool pool;

void* take(free_list& from) noexcept {
  free_block* taken = from.first;
  from.first = taken->next;
  ++from.room;
  return taken;
}

void put(void* memory, free_list& into) noexcept {
  into.first = new (memory) free_block{into.first};
  --into.room;
}

// Gives all blocks back at the end of the thread; what is released later goes straight back.
struct closing {
  ~closing() {
    for (free_list& each : pool.lists) {
      while (each.first != nullptr) ::operator delete(take(each));
      each.room = 0;
    }
    pool.now = stage::closed;
  }
};

[[gnu::noinline]] void release_without_room(void* memory, free_list& into) noexcept {
  if (pool.now != stage::unused) return ::operator delete(memory);
  static const thread_local closing at_end;
  for (free_list& each : pool.lists) each.room = kept_per_size;
  pool.now = stage::in_use;
  put(memory, into);
}

std::size_t index_of(std::size_t size) noexcept { return (size + granule - smallest - 1) / granule; }

constexpr bool pools(std::size_t size) noexcept { return COPAS_HAS_MEMORY_POOLS && size <= largest; }

}  // namespace

void* allocate(std::size_t size) {
  if (!pools(size)) return ::operator new(size);
  const std::size_t index = index_of(size);
  if (free_list& from = pool.lists[index]; from.first != nullptr) return take(from);
  return ::operator new(smallest + index * granule);
}

void release(void* memory, std::size_t size) noexcept {
  if (!pools(size)) return ::operator delete(memory);
  free_list& into = pool.lists[index_of(size)];
  into.room == 0 ? release_without_room(memory, into) : put(memory, into);
}

}  // namespace copas::frame_pool
