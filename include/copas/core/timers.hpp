#pragma once

#include <array>
#include <cassert>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "copas/core/deadline.hpp"

namespace copas {

class timer_queue;

/// Neighbours: in a bucket of the wheel, which is a circular list with the bucket as its sentinel, or in the heap.
struct timer_link {
  timer_link* previous = this;
  timer_link* next = this;
};

/// The place of something in a `timer_queue`: intrusive, so that setting a timer allocates nothing, and cannot fail.
///
/// It does not know its queue: whoever destroys it while it is set cancels it first.
class timer_hook : timer_link {
 public:
  timer_hook() = default;
  timer_hook(const timer_hook&) = delete;
  timer_hook& operator=(const timer_hook&) = delete;
  ~timer_hook() { assert(!set()); }

  [[nodiscard]] bool set() const noexcept { return place_ != timer_place::nowhere; }
  /// What it was set for last.
  [[nodiscard]] deadline due() const noexcept { return due_; }

 protected:
  deadline due_ = never;  // not to be changed while it is set

 private:
  friend class timer_queue;
  enum class timer_place : std::uint8_t { nowhere, wheel, heap };

  timer_link* child_ = nullptr;  // in the heap, the first of those below
  std::uint32_t order_ = 0;  // among equals the one set first is due first; it may have begun again at 0 between two
  timer_place place_ = timer_place::nowhere;
};

/// Timers in the exact order of their deadlines, with setting and cancelling in constant time.
///
/// Most timers are cancelled long before they are due, so a timer first lies unsorted in a bucket of a hierarchical
/// wheel (five levels of 256 buckets; a bucket of the lowest level is 4 us wide). When the time of a bucket comes, its
/// timers move one level down, or, from the lowest, into a pairing heap that sorts the few which are about to fire.
/// @see Varghese and Lauck, "Hashed and hierarchical timing wheels", SOSP 1987
/// @see Fredman, Sedgewick, Sleator and Tarjan, "The pairing heap", Algorithmica 1986
class timer_queue {
 public:
  explicit timer_queue(deadline start);
  timer_queue(const timer_queue&) = delete;
  timer_queue& operator=(const timer_queue&) = delete;
  ~timer_queue();

  /// Sets `timer`, which must not be set; `due` may be past.
  void set(timer_hook& timer, deadline due) noexcept;

  /// Takes `timer`, which is set, out of the queue.
  void cancel(timer_hook& timer) noexcept;

  [[nodiscard]] bool empty() const noexcept { return size() == 0; }
  [[nodiscard]] std::size_t size() const noexcept { return in_wheel_ + in_heap_; }

  /// Until when a loop may sleep: no timer is due earlier, and at this time there is something to do.
  [[nodiscard]] deadline next_deadline() noexcept;

  /// Takes the earliest timer that is due at `now` out of the queue; null if none is.
  [[nodiscard]] timer_hook* pop_due(deadline now) noexcept;

 private:
  using tick = std::int64_t;  // 2^12 nanoseconds, since the clock's zero
  static constexpr int bits_per_tick = 12;
  static constexpr int bits_per_level = 8;
  static constexpr int levels = 5;  // so that the wheel reaches 52 days ahead
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

  static tick tick_of(deadline due) noexcept { return due.time_since_epoch().count() >> bits_per_tick; }
  static deadline time_of(tick at) noexcept { return deadline{std::chrono::nanoseconds{at << bits_per_tick}}; }
  void place(timer_hook& timer) noexcept;
  [[nodiscard]] std::optional<bucket> first_bucket() noexcept;
  void empty(const bucket& from, bool into_heap) noexcept;
  void move(timer_link& from, bool into_heap) noexcept;
  [[nodiscard]] deadline earliest(const bucket& in) const noexcept;
  void advance_to(tick now) noexcept;
  void push_heap(timer_hook& timer) noexcept;
  void erase_heap(timer_hook& timer) noexcept;
  [[nodiscard]] static bool before(const timer_hook& left, const timer_hook& right) noexcept;
  static timer_hook* meld(timer_hook* left, timer_hook* right) noexcept;
  static timer_hook* meld_siblings(timer_link* first) noexcept;

  tick hand_;  // a timer goes into the wheel if its tick is later
  std::unique_ptr<std::array<level, levels>> wheel_;  // 20 KiB
  timer_hook* heap_ = nullptr;  // its root: the first that is due
  std::size_t in_wheel_ = 0;
  std::size_t in_heap_ = 0;
  std::uint32_t sequence_ = 0;
};

}  // namespace copas
