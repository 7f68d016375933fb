#pragma once

#include <cassert>
#include <coroutine>
#include <exception>
#include <memory>
#include <optional>
#include <utility>

#include "copas/core/awaitable.hpp"
#include "copas/core/frame_pool.hpp"
#include "copas/lua/converter.hpp"

namespace copas::lua::detail {

/// One call of a C++ function by a Lua thread: the coroutine that awaits what the function returned, and its outcome.
class async_call {
 public:
  async_call(const async_call&) = delete;
  async_call& operator=(const async_call&) = delete;

  /// Runs it until it waits for the first time, or ends.
  virtual void start() = 0;
  [[nodiscard]] bool ended() const noexcept { return ended_; }
  /// Who is told when it ends; from inside the coroutine, so that `who` may not destroy it then.
  void on_end(waiter who) noexcept { observer_ = who; }

  /// The exception that left it; null if none did. @pre ended()
  [[nodiscard]] const std::exception_ptr& failure() const noexcept { return failure_; }
  /// Pushes the results, and returns how many. @pre ended(), without an exception
  virtual int push_results(lua_State* L) const = 0;

 protected:
  async_call() = default;
  ~async_call() = default;

  void end() noexcept {
    ended_ = true;
    observer_.resume();
  }
  void fail(std::exception_ptr why) noexcept { failure_ = std::move(why); }

 private:
  friend struct async_call_deleter;
  virtual void destroy() noexcept = 0;

  waiter observer_{[](void*) {}, nullptr};
  std::exception_ptr failure_;
  bool ended_ = false;
};

/// Frees the coroutine, and withdraws what it waits for.
struct async_call_deleter {
  void operator()(async_call* call) const noexcept { call->destroy(); }
};
using async_call_ptr = std::unique_ptr<async_call, async_call_deleter>;

/// What a coroutine that is an `async_call` returns.
template <class Result>
class async_body {
 public:
  class promise_type final : public async_call, public pooled {
   public:
    async_body get_return_object() noexcept { return async_body{async_call_ptr{this}}; }
    std::suspend_always initial_suspend() const noexcept { return {}; }
    auto final_suspend() const noexcept {
      struct tell {
        bool await_ready() const noexcept { return false; }
        void await_suspend(std::coroutine_handle<promise_type> frame) const noexcept { frame.promise().end(); }
        void await_resume() const noexcept {}
      };
      return tell{};
    }
    template <class Value>
    void return_value(Value&& value) {
      result_.emplace(std::forward<Value>(value));
    }
    void unhandled_exception() noexcept { fail(std::current_exception()); }

    void start() override { frame().resume(); }
    int push_results(lua_State* L) const override {
      assert(result_);  // it has ended, without an exception
      return detail::push_results(L, *result_);
    }

   private:
    friend async_body;
    std::coroutine_handle<promise_type> frame() { return std::coroutine_handle<promise_type>::from_promise(*this); }
    void destroy() noexcept override { frame().destroy(); }

    std::optional<Result> result_;
  };

  operator async_call_ptr() && noexcept { return std::move(call_); }

 private:
  explicit async_body(async_call_ptr call) noexcept : call_{std::move(call)} {}

  async_call_ptr call_;
};

}  // namespace copas::lua::detail
