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

class pool {
 public:
  pool() = default;
  pool(const pool&) = delete;
  pool& operator=(const pool&) = delete;
  ~pool() {
    for (free_list& each : lists_) {
      while (each.first != nullptr) ::operator delete(take(each));
    }
    closed_ = true;
  }

  void* allocate(std::size_t size) {
    free_list& from = list_for(size);
    if (from.first != nullptr) return take(from);
    return ::operator new((size + granule - 1) / granule * granule);
  }

  void release(void* memory, std::size_t size) noexcept {
    free_list& into = list_for(size);
    if (closed_ || into.length == kept_per_size) {
      ::operator delete(memory);
      return;
    }
    into.first = new (memory) free_block{into.first};
    ++into.length;
  }

 private:
  static void* take(free_list& from) noexcept {
    free_block* taken = from.first;
    from.first = taken->next;
    --from.length;
    return taken;
  }

  free_list& list_for(std::size_t size) noexcept { return lists_[(size - 1) / granule]; }

  std::array<free_list, largest / granule> lists_;
  bool closed_ = false;  // at the end of the thread; whatever is released later goes straight back
};

thread_local pool mine;

constexpr bool pools(std::size_t size) noexcept { return COPAS_HAS_MEMORY_POOLS && size > 0 && size <= largest; }

}  // namespace

void* allocate(std::size_t size) { return pools(size) ? mine.allocate(size) : ::operator new(size); }

void release(void* memory, std::size_t size) noexcept {
  if (pools(size)) {
    mine.release(memory, size);
  } else {
    ::operator delete(memory);
  }
}

}  // namespace copas::frame_pool
