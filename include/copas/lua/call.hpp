#pragma once

#include <cstddef>
#include <exception>
#include <optional>
#include <source_location>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include "copas/core/task_record.hpp"
#include "copas/core/wait_list.hpp"
#include "copas/lua/converter.hpp"
#include "copas/lua/reference.hpp"

struct lua_State;

namespace copas::lua {

class thread;

namespace detail {

/// Who is told how a Lua thread ends, in place of the error handler; one of the following, or neither if it is removed.
class thread_watch : public task_watch {
 public:
  /// It returned the values from `first` to the top of the stack of `L`.
  virtual void returned(lua_State* L, int first) = 0;
  /// It failed with the error on top of the stack of `L`, which this pops; the stack of `coroutine` shows where.
  virtual void failed(lua_State* L, lua_State* coroutine) = 0;

 protected:
  ~thread_watch() = default;
};

/// A call of a Lua function, without the types of its arguments and results.
class call_operation : public wait_node, private thread_watch {
 public:
  call_operation(const call_operation&) = delete;
  call_operation& operator=(const call_operation&) = delete;

  bool await_ready() noexcept;
  void await_suspend(waiter who) noexcept;
  [[nodiscard]] std::string_view activity() const noexcept override { return "calling a Lua function"; }

 protected:
  call_operation(function callee, const std::source_location& where) noexcept
      : callee_{std::move(callee)}, where_{where} {}
  ~call_operation() override;

  /// Throws what there is to throw, once it has ended.
  void rethrow() const {
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  /// Pushes the arguments, and returns how many.
  virtual int push_arguments(lua_State* L) const = 0;
  /// Converts the results; if one cannot be, returns why not and sets `wrong` to which one.
  virtual const char* take_results(lua_State* L, int first, int& wrong) = 0;

  void start();
  void returned(lua_State* L, int first) override;
  void failed(lua_State* L, lua_State* coroutine) override;
  void on_task_end() noexcept override;

  function callee_;
  std::source_location where_;
  thread* thread_ = nullptr;  // while it runs
  std::exception_ptr failure_;
  bool returned_ = false;
};

/// A function, and where the program calls it.
struct callee {
  callee(function called, std::source_location called_at = std::source_location::current()) noexcept
      : what{std::move(called)}, where{called_at} {}
  function what;
  std::source_location where;
};

template <class... Results>
struct call_results {
  using type = std::tuple<Results...>;
};
template <class Result>
struct call_results<Result> {
  using type = Result;
};

}  // namespace detail

/// What `call` returns, to be awaited once.
template <class Arguments, class... Results>
class [[nodiscard]] call_awaitable final : public detail::call_operation {
 public:
  call_awaitable(detail::callee&& called, Arguments&& arguments)
      : call_operation{std::move(called.what), called.where}, arguments_{std::move(arguments)} {}

  auto await_resume() {
    rethrow();
    if constexpr (sizeof...(Results) == 1) {
      return std::get<0>(*std::move(results_));
    } else if constexpr (sizeof...(Results) > 1) {
      return *std::move(results_);
    }
  }

 private:
  int push_arguments(lua_State* L) const override { return detail::push_results(L, arguments_); }

  const char* take_results(lua_State* L, int first, int& wrong) override {
    const char* const problem = detail::check_values<Results...>(L, first, wrong);
    if (problem == nullptr) take_results(L, first, std::index_sequence_for<Results...>{});
    return problem;
  }
  template <std::size_t... Numbers>
  void take_results([[maybe_unused]] lua_State* L, [[maybe_unused]] int first, std::index_sequence<Numbers...>) {
    results_.emplace(converter<Results>::get(L, first + static_cast<int>(Numbers))...);
  }

  Arguments arguments_;
  std::optional<std::tuple<Results...>> results_;
};

/// Calls a Lua function in a Lua thread of its own, which may wait, and waits until it has returned.
///
///     const auto [name, age] = co_await copas::lua::call<std::string, int>(describe, "somebody");
///
/// Destroying what waits here removes the thread. Its errors come here and nowhere else: no error handler sees them.
///
/// @param called     the function. Its loop must be the one that the awaiting task runs in.
/// @param arguments  have a `converter`.
/// @return  nothing; or the first result of the function as a `Results`; or as many as there are `Results`, in a tuple.
///          Lua's further results are dropped.
/// @error copas::lua::error  the function failed, a result cannot be converted, the thread was removed, or there is no
///                           function or no Lua state any more.
template <class... Results, class... Arguments>
call_awaitable<std::tuple<std::decay_t<Arguments>...>, Results...> call(detail::callee called,
                                                                        Arguments&&... arguments) {
  return {std::move(called), std::tuple<std::decay_t<Arguments>...>{std::forward<Arguments>(arguments)...}};
}

}  // namespace copas::lua
