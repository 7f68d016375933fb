#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <expected>
#include <limits>
#include <string_view>
#include <type_traits>
#include <utility>

#include "copas/core/frame_pool.hpp"
#include "copas/core/loop.hpp"
#include "copas/core/result.hpp"
#include "copas/sync/semaphore.hpp"

namespace copas {

/// A queue without its items: how many there are, who waits for one, and whether more may come.
///
/// `queue` has the items as well. Whoever keeps them elsewhere, as Lua does, adds one when `push` lets it, and takes the
/// first when `try_pop` or a `pop_awaitable` has succeeded.
class queue_control {
 public:
  class pop_awaitable;

  /// @param home  the loop of the tasks that wait.
  explicit queue_control(loop& home) noexcept : items_{home, std::numeric_limits<semaphore::count>::max()} {}

  /// Says whether an item may be pushed.
  /// @error errc::stopping   the queue takes no more items.
  /// @error errc::destroyed  the queue is.
  [[nodiscard]] result<void> may_push() const noexcept;
  /// An item was added behind the others; who waited longest is woken to take one. @pre may_push()
  void pushed() noexcept;
  /// Lets the caller take the first item, if one is there that nobody was woken for.
  /// @error errc::timed_out  there is none.
  /// @error errc::destroyed  the queue is.
  [[nodiscard]] result<void> try_pop() noexcept;

  /// Takes no more items. The queue is destroyed when the last one is popped, which may be now.
  void stop() noexcept;
  /// Ends all waits with `errc::destroyed`, also of those who were woken for an item; the items are to be dropped.
  void destroy() noexcept;

  /// Items that have not been taken, whether or not somebody was woken for them.
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] bool stopping() const noexcept { return state_ != state::open; }
  [[nodiscard]] bool destroyed() const noexcept { return state_ == state::destroyed; }

 private:
  enum class state : std::uint8_t { open, stopping, destroyed };

  void take() noexcept;

  semaphore items_;  // a unit for each item that nobody was woken for
  std::size_t size_ = 0;
  state state_ = state::open;
};

class [[nodiscard]] queue_control::pop_awaitable : public semaphore::take_awaitable {
 public:
  /// @param home  the loop of the task that waits.
  pop_awaitable(queue_control& from, loop& home, deadline until) noexcept
      : take_awaitable{from.items_, home, 1, until}, from_{from} {}

  /// Success lets the caller take the first item.
  result<void> await_resume() noexcept {
    const result<void> granted = take_awaitable::await_resume();
    if (granted) from_.take();
    return granted;
  }

  [[nodiscard]] std::string_view activity() const noexcept override { return "popping from a queue"; }

 private:
  queue_control& from_;
};

/// Items on their way from tasks to tasks: first in, first out, without a limit. Who finds none waits.
///
/// Items leave in the order in which they came, and those who wait are served in the order in which they came. Who was
/// woken for an item and is destroyed before its turn leaves it to the next one.
///
/// Destroying the queue has the effect of `destroy`.
/// @tparam T  can be moved without an exception.
template <class T>
class queue {
  static_assert(std::is_nothrow_move_constructible_v<T>);

 public:
  class pop_awaitable;

  /// @param home  the loop of the tasks that wait.
  explicit queue(loop& home) : home_{home}, control_{home} {}

  /// Adds an item behind the others. Does not wait.
  /// @error errc::stopping   the queue takes no more items.
  /// @error errc::destroyed  the queue is.
  result<void> push(T item) {
    if (const auto open = control_.may_push(); !open) return open;
    items_.push_back(std::move(item));
    control_.pushed();
    return {};
  }

  /// Takes the first item, waiting for one if there is none, or others wait.
  ///
  /// @return  a `result<T>`.
  /// @error errc::timed_out  `until` passed first.
  /// @error errc::destroyed  the queue is, or was while the task waited.
  [[nodiscard]] pop_awaitable pop(deadline until = never) noexcept { return {*this, until}; }

  /// Takes the first item if that is possible without waiting.
  /// @error errc::timed_out  there is none, or others wait.
  /// @error errc::destroyed  the queue is.
  [[nodiscard]] result<T> try_pop() noexcept { return take_if(control_.try_pop()); }

  /// Takes no more items. The queue is destroyed when the last one is popped, which may be now.
  void stop() noexcept { control_.stop(); }

  /// Drops all items, and ends all waits with `errc::destroyed`, and those that begin later.
  void destroy() noexcept {
    if (control_.destroyed()) return;
    control_.destroy();
    items_.clear();
  }

  /// Items that have not been taken, whether or not somebody was woken for them.
  [[nodiscard]] std::size_t size() const noexcept { return control_.size(); }
  [[nodiscard]] bool stopping() const noexcept { return control_.stopping(); }
  [[nodiscard]] bool destroyed() const noexcept { return control_.destroyed(); }

 private:
  result<T> take_if(const result<void>& allowed) noexcept {
    if (!allowed) return std::unexpected{allowed.error()};
    result<T> first{std::move(items_.front())};
    items_.pop_front();
    return first;
  }

  loop& home_;
  std::deque<T, pool_allocator<T>> items_;
  queue_control control_;
};

template <class T>
class [[nodiscard]] queue<T>::pop_awaitable final : public queue_control::pop_awaitable {
 public:
  pop_awaitable(queue& from, deadline until) noexcept
      : queue_control::pop_awaitable{from.control_, from.home_, until}, queue_{from} {}

  result<T> await_resume() noexcept { return queue_.take_if(queue_control::pop_awaitable::await_resume()); }

 private:
  queue& queue_;
};

}  // namespace copas
