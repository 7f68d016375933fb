#include "copas/core/timers.hpp"

#include <algorithm>
#include <bit>
#include <cassert>
#include <utility>

namespace copas {
namespace {

constexpr std::size_t few = 32;  // timers, to be looked through

void link_before(timer_link& position, timer_link& added) noexcept {
  added.previous = position.previous;
  added.next = &position;
  position.previous->next = &added;
  position.previous = &added;
}

void unlink(timer_link& removed) noexcept {
  removed.previous->next = removed.next;
  removed.next->previous = removed.previous;
}

}  // namespace

timer_queue::timer_queue(deadline start)
    : hand_{tick_of(start)}, wheel_{std::make_unique<std::array<level, levels>>()} {}

timer_queue::~timer_queue() {
  while (timer_hook* const left = heap_) {
    erase_heap(*left);
    left->place_ = timer_hook::timer_place::nowhere;
  }
  for (level& each : *wheel_) {
    for (timer_link& sentinel : each.buckets) {
      for (timer_link* left = sentinel.next; left != &sentinel; left = left->next) {
        static_cast<timer_hook*>(left)->place_ = timer_hook::timer_place::nowhere;
      }
    }
  }
}

void timer_queue::set(timer_hook& timer, deadline due) noexcept {
  assert(!timer.set());
  timer.due_ = due;
  timer.order_ = sequence_++;
  place(timer);
}

void timer_queue::cancel(timer_hook& timer) noexcept {
  assert(timer.set());
  if (timer.place_ == timer_hook::timer_place::wheel) {
    unlink(timer);
    --in_wheel_;
  } else {
    erase_heap(timer);
  }
  timer.place_ = timer_hook::timer_place::nowhere;
}

// The level is that of the highest byte in which the timer's tick and the hand differ: the buckets of a level then all
// lie ahead of the hand, and before those of the level above, and a timer changes level only when the hand reaches it.
void timer_queue::place(timer_hook& timer) noexcept {
  const tick horizon = hand_ | ((tick{1} << (levels * bits_per_level)) - 1);
  const tick at = std::min(tick_of(timer.due_), horizon);  // beyond the horizon: look again when the hand gets there
  if (at <= hand_) return push_heap(timer);

  const auto highest_bit = static_cast<std::size_t>(std::bit_width(static_cast<std::uint64_t>(at ^ hand_)) - 1);
  const std::size_t depth = highest_bit / bits_per_level;
  const std::size_t index = static_cast<std::size_t>(at >> (depth * bits_per_level)) % buckets_per_level;
  level& in = (*wheel_)[depth];
  link_before(in.buckets[index], timer);
  in.occupied[index / 64] |= std::uint64_t{1} << (index % 64);
  timer.place_ = timer_hook::timer_place::wheel;
  ++in_wheel_;
}

std::optional<timer_queue::bucket> timer_queue::first_bucket() noexcept {
  if (in_wheel_ == 0) return {};
  for (std::size_t depth = 0; depth < wheel_->size(); ++depth) {
    level& in = (*wheel_)[depth];
    for (std::size_t word = 0; word < in.occupied.size(); ++word) {
      while (in.occupied[word] != 0) {
        const std::size_t index = word * 64 + static_cast<std::size_t>(std::countr_zero(in.occupied[word]));
        if (in.buckets[index].next != &in.buckets[index]) {
          const std::size_t shift = depth * bits_per_level;
          const tick earlier = (hand_ >> (shift + bits_per_level)) << (shift + bits_per_level);
          return bucket{depth, index, earlier | (static_cast<tick>(index) << shift)};
        }
        in.occupied[word] &= in.occupied[word] - 1;
      }
    }
  }
  return {};
}

void timer_queue::move(timer_link& from, bool into_heap) noexcept {
  auto& timer = static_cast<timer_hook&>(from);
  --in_wheel_;
  if (into_heap) {
    push_heap(timer);
  } else {
    place(timer);
  }
}

// From both ends, since nobody has looked at these timers for long: while one comes from memory, so does the other.
void timer_queue::empty(const bucket& from, bool into_heap) noexcept {
  level& in = (*wheel_)[from.level];
  timer_link& sentinel = in.buckets[from.index];
  timer_link* first = sentinel.next;
  timer_link* last = sentinel.previous;
  sentinel.previous = sentinel.next = &sentinel;
  in.occupied[from.index / 64] &= ~(std::uint64_t{1} << (from.index % 64));
  if (first == &sentinel) return;
  while (first != last && first->next != last) {
    timer_link& left = *std::exchange(first, first->next);
    timer_link& right = *std::exchange(last, last->previous);
    __builtin_prefetch(first);
    __builtin_prefetch(last);
    move(left, into_heap);
    move(right, into_heap);
  }
  if (first != last) move(*last, into_heap);
  move(*first, into_heap);
}

// Moves the hand on until the heap has the earliest timer, or nothing is due at `now`: bucket after bucket, since a heap is
// slow when it is large, and a loop may come late.
void timer_queue::advance_to(tick now) noexcept {
  while (hand_ < now && (heap_ == nullptr || heap_->due_ >= time_of(hand_ + 1))) {
    const auto first = first_bucket();
    if (!first || first->start > now) {
      hand_ = now;
    } else if (heap_ != nullptr && heap_->due_ <= time_of(first->start)) {
      return;
    } else {
      hand_ = first->start;
      empty(*first, false);
    }
  }
}

deadline timer_queue::next_deadline() noexcept {
  for (;;) {
    const auto first = first_bucket();
    if (!first) return heap_ == nullptr ? never : heap_->due_;
    if (heap_ != nullptr && heap_->due_ <= time_of(first->start)) return heap_->due_;
    if (first->level > 0) return std::min(earliest(*first), heap_ == nullptr ? never : heap_->due_);
    empty(*first, true);  // sorted ahead of its time, to know the exact moment
  }
}

// When the first of a bucket is due; if there are many, when the bucket begins: then one wake-up costs less than a search.
deadline timer_queue::earliest(const bucket& in) const noexcept {
  const timer_link& sentinel = (*wheel_)[in.level].buckets[in.index];
  deadline found = never;
  std::size_t seen = 0;
  for (const timer_link* each = sentinel.next; each != &sentinel; each = each->next) {
    if (++seen > few) return time_of(in.start);
    found = std::min(found, static_cast<const timer_hook*>(each)->due_);
  }
  return found;
}

timer_hook* timer_queue::pop_due(deadline now) noexcept {
  if (empty()) return nullptr;
  advance_to(tick_of(now));
  if (heap_ == nullptr || heap_->due_ > now) return nullptr;
  timer_hook* earliest = heap_;
  cancel(*earliest);
  return earliest;
}

// In the heap, `previous` is the elder sibling, or for the first of them the parent; `next` is the younger sibling.

void timer_queue::push_heap(timer_hook& timer) noexcept {
  timer.previous = timer.next = timer.child_ = nullptr;
  timer.place_ = timer_hook::timer_place::heap;
  heap_ = meld(heap_, &timer);
  ++in_heap_;
}

void timer_queue::erase_heap(timer_hook& timer) noexcept {
  timer_hook* const below = meld_siblings(timer.child_);
  --in_heap_;
  if (&timer == heap_) {
    heap_ = below;
    return;
  }
  auto& above = static_cast<timer_hook&>(*timer.previous);
  (above.child_ == &timer ? above.child_ : above.next) = timer.next;
  if (timer.next != nullptr) timer.next->previous = timer.previous;
  heap_ = meld(heap_, below);
}

bool timer_queue::before(const timer_hook& left, const timer_hook& right) noexcept {
  if (left.due_ != right.due_) return left.due_ < right.due_;
  return static_cast<std::int32_t>(left.order_ - right.order_) < 0;
}

// Of two roots, the one that is due later becomes the first child of the other.
timer_hook* timer_queue::meld(timer_hook* left, timer_hook* right) noexcept {
  if (left == nullptr) return right;
  if (right == nullptr) return left;
  if (before(*right, *left)) std::swap(left, right);
  right->previous = left;
  right->next = left->child_;
  if (right->next != nullptr) right->next->previous = right;
  left->child_ = right;
  return left;
}

// Melds pairs from the first sibling to the last, then what came of that from the last to the first.
timer_hook* timer_queue::meld_siblings(timer_link* first) noexcept {
  timer_link* pairs = nullptr;
  while (first != nullptr) {
    auto* const left = static_cast<timer_hook*>(first);
    auto* const right = static_cast<timer_hook*>(left->next);
    first = right != nullptr ? right->next : nullptr;
    timer_hook* const pair = meld(left, right);
    pair->next = pairs;
    pairs = pair;
  }
  timer_hook* root = nullptr;
  while (pairs != nullptr) {
    auto* const pair = static_cast<timer_hook*>(std::exchange(pairs, pairs->next));
    pair->next = nullptr;
    root = meld(root, pair);
  }
  return root;
}

}  // namespace copas
