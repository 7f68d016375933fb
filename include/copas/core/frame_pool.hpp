#pragma once

#include <cstddef>

namespace copas {

/// Memory for things that come and go with tasks: coroutine frames and the like.
///
/// Freed blocks wait in a list for each size, by thread, so that the next task of the same kind costs no call of the
/// general allocator. Blocks above 2 KiB pass through. Sanitizer builds pass everything through, to see each misuse.
namespace frame_pool {

/// @error std::bad_alloc
[[nodiscard]] void* allocate(std::size_t size);
/// @param memory  from `allocate`, of any thread.
/// @param size    what it was allocated with.
void release(void* memory, std::size_t size) noexcept;

}  // namespace frame_pool

/// Lets a container of the standard library take its memory from the pool.
template <class T>
struct pool_allocator {
  using value_type = T;
  pool_allocator() = default;
  template <class Other>
  pool_allocator(const pool_allocator<Other>&) noexcept {}  // implicit, as containers expect

  [[nodiscard]] T* allocate(std::size_t count) { return static_cast<T*>(frame_pool::allocate(count * sizeof(T))); }
  void deallocate(T* memory, std::size_t count) noexcept {
    frame_pool::release(static_cast<void*>(memory), count * sizeof(T));
  }

  bool operator==(const pool_allocator&) const = default;
};

/// Base of classes whose objects live in the pool.
struct pooled {
  static void* operator new(std::size_t size) { return frame_pool::allocate(size); }
  static void operator delete(void* memory, std::size_t size) noexcept { frame_pool::release(memory, size); }
};

}  // namespace copas
