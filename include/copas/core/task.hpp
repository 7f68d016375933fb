#pragma once

#include <cassert>
#include <coroutine>
#include <exception>
#include <optional>
#include <utility>

#include "copas/core/frame_pool.hpp"
#include "copas/core/task_record.hpp"

namespace copas {

template <class T = void>
class task;

namespace detail {

/// What the coroutines behind `task<T>` of all types share: who awaits them, and how they hand control back.
class task_promise_base : public pooled {
 public:
  std::suspend_always initial_suspend() const noexcept { return {}; }

  auto final_suspend() const noexcept {
    if (record_ != nullptr) record_->body_ended(error_);
    struct return_to_continuation {
      bool await_ready() const noexcept { return false; }
      std::coroutine_handle<> await_suspend(std::coroutine_handle<>) const noexcept { return continuation; }
      void await_resume() const noexcept {}
      std::coroutine_handle<> continuation;
    };
    return return_to_continuation{continuation_};
  }

  void unhandled_exception() noexcept { error_ = std::current_exception(); }
  void continue_with(std::coroutine_handle<> continuation) noexcept { continuation_ = continuation; }
  void tell(task_record& record) noexcept { record_ = &record; }

 protected:
  void rethrow() const {
    if (error_) std::rethrow_exception(error_);
  }

 private:
  std::coroutine_handle<> continuation_ = std::noop_coroutine();
  task_record* record_ = nullptr;
  std::exception_ptr error_;
};

template <class T>
class task_promise final : public task_promise_base {
 public:
  task<T> get_return_object() noexcept;
  template <class Value>
  void return_value(Value&& value) {
    value_.emplace(std::forward<Value>(value));
  }
  T take() {
    rethrow();
    assert(value_);  // a task that has ended without an exception has returned
    return std::move(*value_);
  }

 private:
  std::optional<T> value_;
};

template <>
class task_promise<void> final : public task_promise_base {
 public:
  task<void> get_return_object() noexcept;
  void return_void() const noexcept {}
  void take() const { rethrow(); }
};

}  // namespace detail

/// A coroutine that starts when it is awaited, and resumes its awaiter with its result or its exception.
///
/// It owns its frame: destroying a task that waits withdraws what it waits for, and runs the destructors of its local
/// variables. Parameters are kept by value in the frame; references among them must outlive the task.
template <class T>
class [[nodiscard]] task {
 public:
  using promise_type = detail::task_promise<T>;

  task(task&& other) noexcept : frame_{std::exchange(other.frame_, {})} {}
  task& operator=(task&& other) noexcept {
    std::swap(frame_, other.frame_);
    return *this;
  }
  ~task() {
    if (frame_) frame_.destroy();
  }

  /// Runs the task; the result is what it returns. A task is awaited once.
  ///
  /// @pre it was neither moved from nor awaited before.
  auto operator co_await() && noexcept {
    assert(frame_ && !frame_.done());
    struct run_to_the_end {
      bool await_ready() const noexcept { return false; }
      std::coroutine_handle<> await_suspend(std::coroutine_handle<> awaiting) const noexcept {
        frame.promise().continue_with(awaiting);
        return frame;
      }
      T await_resume() const { return frame.promise().take(); }
      std::coroutine_handle<promise_type> frame;
    };
    return run_to_the_end{frame_};
  }
  void operator co_await() & = delete;  // a task that has a name is moved: co_await std::move(name)

  /// Runs the task as the body of `record`, which hears of its end; nobody awaits it.
  void start(task_record& record) const {
    assert(frame_);  // it was not moved from
    frame_.promise().tell(record);
    frame_.resume();
  }

 private:
  friend promise_type;
  explicit task(std::coroutine_handle<promise_type> frame) noexcept : frame_{frame} {}

  std::coroutine_handle<promise_type> frame_;
};

template <class T>
task<T> detail::task_promise<T>::get_return_object() noexcept {
  return task<T>{std::coroutine_handle<task_promise>::from_promise(*this)};
}

inline task<void> detail::task_promise<void>::get_return_object() noexcept {
  return task<void>{std::coroutine_handle<task_promise>::from_promise(*this)};
}

}  // namespace copas
