#include "copas/core/timers.hpp"

#include <algorithm>
#include <bit>
#include <cassert>
#include <utility>

namespace copas {
namespace {

constexpr std::size_t heap_arity = 4;
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
  removed.previous = removed.next = &removed;
}

}  // namespace

void timer_hook::leave_queue() noexcept {
  if (position_ == in_wheel) {
    unlink(*this);
  } else {
    queue_->erase_heap(position_);
  }
  --queue_->count_;
  queue_ = nullptr;
}

timer_queue::timer_queue(deadline start) noexcept : hand_{tick_of(start)} {}

timer_queue::~timer_queue() {
  while (!heap_.empty()) heap_.back()->cancel();
  if (!wheel_) return;
  for (level& each : *wheel_) {
    for (timer_link& sentinel : each.buckets) {
      while (sentinel.next != &sentinel) static_cast<timer_hook*>(sentinel.next)->cancel();
    }
  }
}

timer_queue::tick timer_queue::tick_of(deadline due) noexcept {
  return std::chrono::floor<std::chrono::milliseconds>(due.time_since_epoch()).count();
}

deadline timer_queue::time_of(tick at) noexcept { return deadline{std::chrono::milliseconds{at}}; }

void timer_queue::set(timer_hook& timer, deadline due) {
  assert(!timer.set());
  if (heap_.capacity() <= count_) heap_.reserve(2 * count_ + 64);
  timer.due_ = due;
  timer.order_ = sequence_++;
  place(timer);
  timer.queue_ = this;
  ++count_;
}

// The level is that of the highest byte in which the timer's tick and the hand differ: the buckets of a level then all
// lie ahead of the hand, and before those of the level above, and a timer changes level only when the hand reaches it.
void timer_queue::place(timer_hook& timer) {
  const tick horizon = hand_ | ((tick{1} << (4 * bits_per_level)) - 1);
  const tick at = std::min(tick_of(timer.due_), horizon);  // beyond the horizon: look again when the hand gets there
  if (at <= hand_) return push_heap(timer);
  if (!wheel_) wheel_ = std::make_unique<std::array<level, 4>>();

  const auto highest_bit = static_cast<std::size_t>(std::bit_width(static_cast<std::uint64_t>(at ^ hand_)) - 1);
  const std::size_t depth = highest_bit / bits_per_level;
  const std::size_t index = static_cast<std::size_t>(at >> (depth * bits_per_level)) % buckets_per_level;
  level& in = (*wheel_)[depth];
  link_before(in.buckets[index], timer);
  in.occupied[index / 64] |= std::uint64_t{1} << (index % 64);
  timer.position_ = timer_hook::in_wheel;
}

std::optional<timer_queue::bucket> timer_queue::first_bucket() noexcept {
  if (heap_.size() == count_) return {};
  for (std::size_t depth = 0; depth < wheel_->size(); ++depth) {
    level& in = (*wheel_)[depth];
    for (std::size_t word = 0; word < in.occupied.size(); ++word) {
      while (in.occupied[word] != 0) {
        const std::size_t index = word * 64 + static_cast<std::size_t>(std::countr_zero(in.occupied[word]));
        if (in.buckets[index].next != &in.buckets[index]) {
          const std::size_t shift = depth * bits_per_level;
          const tick block = (hand_ >> (shift + bits_per_level)) << (shift + bits_per_level);
          return bucket{depth, index, block | (static_cast<tick>(index) << shift)};
        }
        in.occupied[word] &= in.occupied[word] - 1;
      }
    }
  }
  return {};
}

void timer_queue::empty(const bucket& from, bool into_heap) noexcept {
  level& in = (*wheel_)[from.level];
  timer_link& sentinel = in.buckets[from.index];
  while (sentinel.next != &sentinel) {
    auto& timer = static_cast<timer_hook&>(*sentinel.next);
    unlink(timer);
    if (into_heap) {
      push_heap(timer);
    } else {
      place(timer);
    }
  }
  in.occupied[from.index / 64] &= ~(std::uint64_t{1} << (from.index % 64));
}

void timer_queue::advance_to(tick now) noexcept {
  if (now <= hand_) return;
  for (auto first = first_bucket(); first && first->start <= now; first = first_bucket()) {
    hand_ = first->start;
    empty(*first, false);
  }
  hand_ = now;
}

deadline timer_queue::next_deadline() noexcept {
  for (;;) {
    const auto first = first_bucket();
    if (!first) return heap_.empty() ? never : heap_.front()->due_;
    if (!heap_.empty() && heap_.front()->due_ <= time_of(first->start)) return heap_.front()->due_;
    if (first->level > 0) return std::min(earliest(*first), heap_.empty() ? never : heap_.front()->due_);
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
  if (count_ == 0) return nullptr;
  advance_to(tick_of(now));
  if (heap_.empty() || heap_.front()->due_ > now) return nullptr;
  timer_hook* earliest = heap_.front();
  earliest->cancel();
  return earliest;
}

void timer_queue::push_heap(timer_hook& timer) noexcept {
  heap_.push_back(&timer);
  timer.position_ = heap_.size() - 1;
  settle(timer.position_);
}

void timer_queue::erase_heap(std::size_t index) noexcept {
  timer_hook* last = heap_.back();
  heap_.pop_back();
  if (index == heap_.size()) return;
  heap_[index] = last;
  last->position_ = index;
  settle(index);
}

// Moves the timer at `index` up or down to where it belongs.
void timer_queue::settle(std::size_t index) noexcept {
  const auto before = [](const timer_hook& left, const timer_hook& right) {
    return left.due_ != right.due_ ? left.due_ < right.due_ : left.order_ < right.order_;
  };
  timer_hook* moving = heap_[index];
  const auto put = [this](std::size_t at, timer_hook* timer) {
    heap_[at] = timer;
    timer->position_ = at;
  };

  while (index > 0) {
    const std::size_t parent = (index - 1) / heap_arity;
    if (!before(*moving, *heap_[parent])) break;
    put(index, heap_[parent]);
    index = parent;
  }
  for (;;) {
    const std::size_t first = index * heap_arity + 1;
    if (first >= heap_.size()) break;
    std::size_t least = first;
    const std::size_t end = std::min(first + heap_arity, heap_.size());
    for (std::size_t child = first + 1; child < end; ++child) {
      if (before(*heap_[child], *heap_[least])) least = child;
    }
    if (!before(*heap_[least], *moving)) break;
    put(index, heap_[least]);
    index = least;
  }
  put(index, moving);
}

}  // namespace copas
