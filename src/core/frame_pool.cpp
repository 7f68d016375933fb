#include "copas/core/frame_pool.hpp"

#include <array>
#include <new>

namespace copas::frame_pool {
namespace {

constexpr std::size_t granule = 32;
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
constinit thread_local std::array<free_list, largest / granule> lists;

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

free_list& list_for(std::size_t size) noexcept { return lists[(size - 1) / granule]; }

constexpr bool pools(std::size_t size) noexcept { return COPAS_HAS_MEMORY_POOLS && size > 0 && size <= largest; }

}  // namespace

void* allocate(std::size_t size) {
  if (!pools(size)) return ::operator new(size);
  free_list& from = list_for(size);
  if (from.first != nullptr) return take(from);
  return ::operator new((size + granule - 1) / granule * granule);
}

void release(void* memory, std::size_t size) noexcept {
  if (!pools(size) || !may_keep()) return ::operator delete(memory);
  free_list& into = list_for(size);
  if (into.length == kept_per_size) return ::operator delete(memory);
  into.first = new (memory) free_block{into.first};
  ++into.length;
}

}  // namespace copas::frame_pool
