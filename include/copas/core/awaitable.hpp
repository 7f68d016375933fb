#pragma once

#include <concepts>
#include <coroutine>

namespace copas {

/// Whoever waits, in two words: a suspended C++ frame and a parked Lua thread look the same to an awaitable.
class waiter {
 public:
  waiter() = default;
  waiter(void (*run)(void*), void* target) noexcept : run_{run}, target_{target} {}

  template <class Promise>
  waiter(std::coroutine_handle<Promise> frame) noexcept  // implicit: co_await converts
      : run_{[](void* address) { std::coroutine_handle<>::from_address(address).resume(); }},
        target_{frame.address()} {}

  void resume() const { run_(target_); }

 private:
  void (*run_)(void*) = nullptr;
  void* target_ = nullptr;
};

/// One asynchronous operation, awaited by C++ with `co_await` and by Lua through the bridge.
///
/// `await_ready` tries to finish without parking, `await_suspend` only parks, `await_resume` hands over the result. An
/// awaitable neither copies nor moves, for lists hold its address; destroying it, parked or woken, withdraws it.
template <class T>
concept awaitable = requires(T op, waiter who) {
  { op.await_ready() } noexcept -> std::same_as<bool>;
  { op.await_suspend(who) } noexcept -> std::same_as<void>;
  op.await_resume();
};

}  // namespace copas
