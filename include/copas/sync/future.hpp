#pragma once

#include <expected>
#include <optional>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>

#include "copas/core/loop.hpp"
#include "copas/core/ref.hpp"
#include "copas/core/result.hpp"
#include "copas/sync/event.hpp"

namespace copas {

template <class T>
class promise;

namespace detail {

/// What a promise and its futures share.
template <class T>
struct future_state final : ref_counted {
  explicit future_state(loop& home) noexcept : completed{home} {}

  result<T> outcome_or(errc missing) const noexcept(std::is_nothrow_copy_constructible_v<result<T>>) {
    if (outcome) return *outcome;
    return std::unexpected{make_error_code(missing)};
  }

  event completed;
  std::optional<result<T>> outcome;  // there when `completed` has happened
};

}  // namespace detail

/// A result that is still to come, from the `promise` that made it. Copies share it; each may be asked any number of
/// times, by any number of tasks.
///
/// @tparam T  `void`, or a type that can be copied.
template <class T = void>
class future {
 public:
  class get_awaitable;

  /// Waits until the promise is kept. Those who wait go on in the order in which they came.
  ///
  /// @return  a copy of what the promise was kept with, a `result<T>`.
  /// @error errc::timed_out  `until` passed first.
  /// @error errc::cancelled  the promise was destroyed before it was kept.
  /// @error others           what the promise was kept with.
  [[nodiscard]] get_awaitable get(deadline until = never) const noexcept { return {state_, until}; }

  /// What the promise was kept with; null as long as it was not. Alive as long as one of the future's copies.
  [[nodiscard]] const result<T>* try_get() const noexcept { return state_->outcome ? &*state_->outcome : nullptr; }

 private:
  friend class promise<T>;
  using shared = detail::future_state<T>;
  explicit future(ref<shared> state) noexcept : state_{std::move(state)} {}

  ref<shared> state_;
};

/// The obligation to complete a `future`. Destroying it unkept completes the future with `errc::cancelled`.
///
/// @tparam T  can be moved without an exception, if it is not `void`.
template <class T = void>
class promise {
  static_assert(std::is_nothrow_move_constructible_v<result<T>>);

 public:
  /// @param home  the loop of the tasks that wait; it outlives the promise.
  explicit promise(loop& home) : state_{new shared{home}} {}
  promise(promise&&) noexcept = default;
  promise& operator=(promise&& other) noexcept {
    promise abandoned{std::exchange(state_, std::move(other.state_))};
    return *this;
  }
  ~promise() {
    if (state_) fail(errc::cancelled);
  }

  [[nodiscard]] future<T> get_future() const noexcept { return future<T>{state_}; }

  /// Completes the future, and wakes all who wait for it.
  /// @return  false if it was complete; it stays as it was.
  bool keep(result<T> outcome = {}) noexcept {
    if (kept()) return false;
    state_->outcome.emplace(std::move(outcome));
    state_->completed.set();
    return true;
  }
  /// Completes the future with an error.
  /// @return  false if it was complete; it stays as it was.
  bool fail(std::error_code error) noexcept { return keep(std::unexpected{error}); }
  [[nodiscard]] bool kept() const noexcept { return state_->completed.happened(); }

 private:
  using shared = detail::future_state<T>;
  explicit promise(ref<shared> state) noexcept : state_{std::move(state)} {}

  ref<shared> state_;  // null once it was moved from
};

template <class T>
class [[nodiscard]] future<T>::get_awaitable final : public event::wait_awaitable {
 public:
  get_awaitable(ref<shared> awaited, deadline until) noexcept
      : wait_awaitable{awaited->completed, until}, state_{std::move(awaited)} {}

  result<T> await_resume() const noexcept(std::is_nothrow_copy_constructible_v<result<T>>) {
    return state_->outcome_or(errc::timed_out);
  }

  [[nodiscard]] std::string_view activity() const noexcept override { return "waiting for a future"; }

 private:
  ref<shared> state_;
};

}  // namespace copas
