#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "copas/core/deadline.hpp"

namespace copas {

class timer_queue;

/// Neighbours in a bucket of the wheel: a circular list, of which each bucket is the sentinel.
struct timer_link {
  timer_link* previous = this;
  timer_link* next = this;
};

/// The place of something in a `timer_queue`: intrusive, so setting a timer allocates nothing.
///
/// Destroying it while it is set cancels it.
class timer_hook : timer_link {
 public:
  timer_hook() = default;
  timer_hook(const timer_hook&) = delete;
  timer_hook& operator=(const timer_hook&) = delete;
  ~timer_hook() { cancel(); }

  [[nodiscard]] bool set() const noexcept { return queue_ != nullptr; }
  [[nodiscard]] deadline due() const noexcept { return due_; }

  /// Takes it out of its queue; nothing happens if it is in none.
  void cancel() noexcept {
    if (queue_ != nullptr) leave_queue();
  }

 private:
  void leave_queue() noexcept;

  friend class timer_queue;
  static constexpr std::size_t in_wheel = static_cast<std::size_t>(-1);

  timer_queue* queue_ = nullptr;  // where it is set, if anywhere
  deadline due_;
  std::uint64_t order_ = 0;           // among equals the one set first is due first
  std::size_t position_ = in_wheel;  // or the index in the heap
};

/// Timers in the exact order of their deadlines, with setting and cancelling in constant time.
///
/// Most timers are cancelled long before they are due, so a timer first lies unsorted in a bucket of a hierarchical
/// wheel (four levels of 256 buckets; a bucket of the lowest level is one millisecond wide). When the time of a bucket
/// comes, its timers move one level down, or, from the lowest, into a 4-ary heap that sorts the few which are about to
/// fire.
/// @see Varghese and Lauck, "Hashed and hierarchical timing wheels", SOSP 1987
class timer_queue {
 public:
  explicit timer_queue(deadline start) noexcept;
  timer_queue(const timer_queue&) = delete;
  timer_queue& operator=(const timer_queue&) = delete;
  ~timer_queue();

  /// Sets `timer`, which must not be set; `due` may be past.
  /// @error std::bad_alloc  nothing was set. Room for every timer that is set is reserved here, so nothing else can fail.
  void set(timer_hook& timer, deadline due);

  [[nodiscard]] bool empty() const noexcept { return count_ == 0; }
  [[nodiscard]] std::size_t size() const noexcept { return count_; }

  /// Until when a loop may sleep: no timer is due earlier, and at this time there is something to do.
  [[nodiscard]] deadline next_deadline() noexcept;

  /// Takes the earliest timer that is due at `now` out of the queue; null if none is.
  [[nodiscard]] timer_hook* pop_due(deadline now) noexcept;

 private:
  friend class timer_hook;
  using tick = std::int64_t;  // milliseconds since the clock's zero
  static constexpr int bits_per_level = 8;
  static constexpr std::size_t buckets_per_level = std::size_t{1} << bits_per_level;

  struct level {
    std::array<timer_link, buckets_per_level> buckets;
    std::array<std::uint64_t, buckets_per_level / 64> occupied{};  // may lag: a cancel empties a bucket silently
  };
  struct bucket {
    std::size_t level;
    std::size_t index;
    tick start;
  };

  static tick tick_of(deadline due) noexcept;
  static deadline time_of(tick at) noexcept;
  void place(timer_hook& timer);
  [[nodiscard]] std::optional<bucket> first_bucket() noexcept;
  void empty(const bucket& from, bool into_heap) noexcept;
  [[nodiscard]] deadline earliest(const bucket& in) const noexcept;
  void advance_to(tick now) noexcept;
  void push_heap(timer_hook& timer) noexcept;
  void erase_heap(std::size_t index) noexcept;
  void settle(std::size_t index) noexcept;

  tick hand_;  // a timer goes into the wheel if its tick is later
  std::unique_ptr<std::array<level, 4>> wheel_;  // 16 KiB, made when first needed
  std::vector<timer_hook*> heap_;
  std::size_t count_ = 0;
  std::uint64_t sequence_ = 0;
};

}  // namespace copas
