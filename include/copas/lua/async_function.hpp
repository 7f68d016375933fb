#pragma once

#include <cstddef>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

#include "copas/core/loop.hpp"
#include "copas/core/ref.hpp"
#include "copas/lua/async_call.hpp"
#include "copas/lua/converter.hpp"

struct lua_State;

namespace copas::lua {

namespace detail {

/// An asynchronous C++ function that Lua can call. Each call shares it, so that it lives until the last one has ended.
class async_function : public ref_counted {
 public:
  explicit async_function(std::string name) noexcept : name_{std::move(name)} {}
  virtual ~async_function() = default;

  /// What Lua is told it is called.
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  /// Checks the arguments, the values from 1 on: null, or what is wrong with the argument `wrong`.
  virtual const char* check(lua_State* L, int& wrong) const = 0;
  /// Converts the arguments, which were checked, and makes the call, which does not run yet.
  virtual async_call_ptr begin(loop& home, lua_State* L) = 0;

 private:
  std::string name_;
};

template <class... Arguments>
struct parameter_list {
  static constexpr bool wants_loop = false;
  template <template <class...> class Template, class... Others>
  using apply = Template<Others..., Arguments...>;
};

template <class... Arguments>
struct parameter_list<loop&, Arguments...> : parameter_list<Arguments...> {
  static constexpr bool wants_loop = true;
};

template <class... Parameters>
struct all_from_lua : std::bool_constant<(from_lua<std::remove_cvref_t<Parameters>> && ...)> {};

/// A pointer to what is called: the function, or the call operator of an object.
template <class Function>
struct callee_of {
  static_assert(
      requires { &Function::operator(); },
      "the function must have one signature: no generic lambda, and no object with several call operators");
  using type = decltype(&Function::operator());
};
template <class Function>
struct callee_of<Function*> {
  using type = Function*;
};

template <class Callee>
struct signature;
template <class Result, class... Parameters, bool Noexcept>
struct signature<Result (*)(Parameters...) noexcept(Noexcept)> {
  using result = Result;
  using parameters = parameter_list<Parameters...>;
};
template <class Class, class Result, class... Parameters, bool Noexcept>
struct signature<Result (Class::*)(Parameters...) noexcept(Noexcept)>
    : signature<Result (*)(Parameters...) noexcept(Noexcept)> {};
template <class Class, class Result, class... Parameters, bool Noexcept>
struct signature<Result (Class::*)(Parameters...) const noexcept(Noexcept)>
    : signature<Result (*)(Parameters...) noexcept(Noexcept)> {};

template <class Function>
using signature_of = signature<typename callee_of<Function>::type>;

/// What `co_await` does with an awaitable before it asks whether it is ready.
template <class T>
decltype(auto) awaiter_of(T&& operation) {
  if constexpr (requires { std::forward<T>(operation).operator co_await(); }) {
    return std::forward<T>(operation).operator co_await();
  } else {
    static_assert(requires { operation.await_resume(); }, "the function must return an awaitable, such as copas::task");
    return (operation);
  }
}

/// What `co_await` of a `T` gives, as a value that can be kept; an empty tuple instead of void.
template <class T, class Result = decltype(awaiter_of(std::declval<T>()).await_resume())>
using awaited_t = std::conditional_t<std::is_void_v<Result>, std::tuple<>, std::remove_cvref_t<Result>>;

template <class Function, class... Parameters>
class async_function_of final : public async_function {
  using result = awaited_t<typename signature_of<Function>::result>;
  static constexpr bool wants_loop = signature_of<Function>::parameters::wants_loop;

 public:
  async_function_of(std::string name, Function body) : async_function{std::move(name)}, body_{std::move(body)} {}

  const char* check(lua_State* L, int& wrong) const override {
    return check_values<std::remove_cvref_t<Parameters>...>(L, 1, wrong);
  }
  async_call_ptr begin(loop& home, lua_State* L) override {
    return begin(home, L, std::index_sequence_for<Parameters...>{});
  }

 private:
  template <std::size_t... Numbers>
  async_call_ptr begin(loop& home, [[maybe_unused]] lua_State* L, std::index_sequence<Numbers...>) {
    return run(ref{this}, home, converter<std::remove_cvref_t<Parameters>>::get(L, static_cast<int>(Numbers) + 1)...);
  }

  // The arguments live here, so that the function may take them by reference.
  static async_body<result> run(ref<async_function_of> self, loop& home, std::remove_cvref_t<Parameters>... arguments) {
    auto&& operation = self->invoke(home, static_cast<Parameters&&>(arguments)...);
    auto&& awaiter = awaiter_of(std::forward<decltype(operation)>(operation));
    if constexpr (std::is_void_v<decltype(awaiter.await_resume())>) {
      co_await awaiter;
      co_return std::tuple<>{};
    } else {
      co_return co_await awaiter;
    }
  }

  decltype(auto) invoke([[maybe_unused]] loop& home, Parameters&&... arguments) {
    if constexpr (wants_loop) {
      return body_(home, std::forward<Parameters>(arguments)...);
    } else {
      return body_(std::forward<Parameters>(arguments)...);
    }
  }

  Function body_;
};

void push_async_function(lua_State* L, ref<async_function> pushed);
void set_global(lua_State* L, const std::string& name);

}  // namespace detail

/// Pushes a Lua function that runs an asynchronous C++ function.
///
/// To Lua it is a plain function: the thread that calls it waits until it has ended, the others run on. A call that ends
/// without waiting does not yield. Outside of threads it raises the error that `copas.pause` raises there.
///
/// - Arguments are checked and converted (see `converter`) before the C++ function runs. A missing or wrong one is
///   Lua's usual error: bad argument #1 to 'name' (string expected, got nil).
/// - Results are converted when it has ended: `std::tuple` to several; `result<T>` to those of `T`, or nil and the text
///   of the error; void, and what ended a sleep, to none; `result<void>` to true.
/// - An exception becomes a Lua error with its text and the position of the caller. `copas::lua::error` is raised as it
///   was.
/// - Whatever ends the Lua thread destroys the C++ coroutine, and with it what that waits for; so does lua_close.
///
/// @param name  for messages.
/// @param body  returns a `copas::task` or any other awaitable; its first parameter may be `copas::loop&`, the loop of
///              the calling thread, all others have a `converter`. It is kept until Lua has collected the function and
///              all calls have ended, so a lambda may capture, also one that is a coroutine. It must not raise Lua
///              errors.
/// @error copas::lua::error  Lua lacks memory.
template <class Function>
void push_function(lua_State* L, std::string name, Function body) {
  using signature = detail::signature_of<Function>;
  using parameters = typename signature::parameters;
  static_assert(parameters::template apply<detail::all_from_lua>::value,
                "a parameter cannot come from Lua: copas::lua::converter for its type needs check and get");
  static_assert(detail::to_lua<detail::awaited_t<typename signature::result>>,
                "the result cannot go to Lua: copas::lua::converter for its type needs push");
  using made = typename parameters::template apply<detail::async_function_of, Function>;
  detail::push_async_function(L, ref<detail::async_function>{new made{std::move(name), std::move(body)}});
}

/// As `push_function`, into the global variable `name`.
template <class Function>
void set_function(lua_State* L, const std::string& name, Function body) {
  push_function(L, name, std::move(body));
  detail::set_global(L, name);
}

}  // namespace copas::lua
