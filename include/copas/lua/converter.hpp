#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "copas/core/wait_list.hpp"
#include "copas/lua/reference.hpp"

struct lua_State;

namespace copas::lua {

/// How values of the C++ type `T` get to Lua and back. Programs specialise it for types of their own:
///
///     static const char* check(lua_State* L, int index);
///     static T get(lua_State* L, int index);
///     static void push(lua_State* L, const T& value);
///
/// `check` returns null if the value at `index`, a positive number, can become a `T`, else why not, in a text that is
/// constant or on the stack. It may raise Lua errors, and change the value in place to what `get` reads. `get` makes the
/// `T` of a value that was checked; it may throw, but raises no Lua error, since C++ objects are alive around it. `push`
/// pushes one value, and may raise Lua errors while it owns nothing. A type that only ever goes one way needs no more
/// than the functions for that.
///
/// There are: `bool`; integers, where what does not fit is refused; floating point numbers; `std::string`;
/// `const char*` and `std::string_view`, to Lua only, for what they point to is Lua's to free; `std::optional`, nil if it
/// is empty; `std::vector`, a table; `reference`, any value; `function`.
template <class T>
struct converter;

namespace detail {

const char* check_boolean(lua_State* L, int index);
bool get_boolean(lua_State* L, int index) noexcept;
void push_boolean(lua_State* L, bool value);

const char* check_integer(lua_State* L, int index, std::int64_t least, std::uint64_t greatest);
std::int64_t get_integer(lua_State* L, int index) noexcept;
void push_integer(lua_State* L, std::int64_t value);

const char* check_number(lua_State* L, int index);
double get_number(lua_State* L, int index) noexcept;
void push_number(lua_State* L, double value);

const char* check_string(lua_State* L, int index);
std::string_view get_string(lua_State* L, int index) noexcept;
void push_string(lua_State* L, std::string_view text);

const char* check_value(lua_State* L, int index);
const char* check_function(lua_State* L, int index);

/// Is there no value at `index`, or nil?
bool absent(lua_State* L, int index) noexcept;
void push_nil(lua_State* L);

using element_check = const char* (*)(lua_State* L, int index);
const char* check_table(lua_State* L, int index, element_check check);
std::size_t table_size(lua_State* L, int index) noexcept;
/// Pushes an element of a table, counted from 1, and returns where it is.
int push_element(lua_State* L, int index, std::size_t number) noexcept;
void pop(lua_State* L) noexcept;
void push_table(lua_State* L, std::size_t size);
/// Pops a value and puts it into the table below it.
void set_element(lua_State* L, std::size_t number);

/// Makes room for so many values on the stack, and some that converters use.
void reserve_stack(lua_State* L, std::size_t values);

/// Pushes nil and the text of an error, in LuaSocket's words.
void push_failure(lua_State* L, const std::error_code& error);

}  // namespace detail

template <>
struct converter<bool> {
  static const char* check(lua_State* L, int index) { return detail::check_boolean(L, index); }
  static bool get(lua_State* L, int index) { return detail::get_boolean(L, index); }
  static void push(lua_State* L, bool value) { detail::push_boolean(L, value); }
};

template <std::integral T>
struct converter<T> {
  static const char* check(lua_State* L, int index) {
    using limits = std::numeric_limits<T>;
    return detail::check_integer(L, index, static_cast<std::int64_t>(limits::min()),
                                 static_cast<std::uint64_t>(limits::max()));
  }
  static T get(lua_State* L, int index) { return static_cast<T>(detail::get_integer(L, index)); }
  static void push(lua_State* L, T value) {
    if (std::in_range<std::int64_t>(value)) return detail::push_integer(L, static_cast<std::int64_t>(value));
    detail::push_number(L, static_cast<double>(value));
  }
};

template <std::floating_point T>
struct converter<T> {
  static const char* check(lua_State* L, int index) { return detail::check_number(L, index); }
  static T get(lua_State* L, int index) { return static_cast<T>(detail::get_number(L, index)); }
  static void push(lua_State* L, T value) { detail::push_number(L, static_cast<double>(value)); }
};

template <>
struct converter<std::string> {
  static const char* check(lua_State* L, int index) { return detail::check_string(L, index); }
  static std::string get(lua_State* L, int index) { return std::string{detail::get_string(L, index)}; }
  static void push(lua_State* L, const std::string& value) { detail::push_string(L, value); }
};

template <>
struct converter<std::string_view> {
  static void push(lua_State* L, std::string_view value) { detail::push_string(L, value); }
};

template <>
struct converter<const char*> {
  static void push(lua_State* L, const char* value) { detail::push_string(L, value); }
};

template <class T>
struct converter<std::optional<T>> {
  static const char* check(lua_State* L, int index) {
    return detail::absent(L, index) ? nullptr : converter<T>::check(L, index);
  }
  static std::optional<T> get(lua_State* L, int index) {
    if (detail::absent(L, index)) return std::nullopt;
    return converter<T>::get(L, index);
  }
  static void push(lua_State* L, const std::optional<T>& value) {
    if (value) return converter<T>::push(L, *value);
    detail::push_nil(L);
  }
};

template <class T>
struct converter<std::vector<T>> {
  static const char* check(lua_State* L, int index) { return detail::check_table(L, index, &converter<T>::check); }
  static std::vector<T> get(lua_State* L, int index) {
    std::vector<T> values;
    const std::size_t size = detail::table_size(L, index);
    values.reserve(size);
    for (std::size_t each = 1; each <= size; ++each) {
      values.push_back(converter<T>::get(L, detail::push_element(L, index, each)));
      detail::pop(L);
    }
    return values;
  }
  static void push(lua_State* L, const std::vector<T>& values) {
    detail::push_table(L, values.size());
    for (std::size_t each = 0; each < values.size(); ++each) {
      converter<T>::push(L, values[each]);
      detail::set_element(L, each + 1);
    }
  }
};

template <>
struct converter<reference> {
  static const char* check(lua_State* L, int index) { return detail::check_value(L, index); }
  static reference get(lua_State* L, int index) { return {L, index}; }
  static void push(lua_State* L, const reference& value) { value.push(L); }
};

template <>
struct converter<function> {
  static const char* check(lua_State* L, int index) { return detail::check_function(L, index); }
  static function get(lua_State* L, int index) { return {L, index}; }
  static void push(lua_State* L, const function& value) { value.push(L); }
};

namespace detail {

/// Can an argument be a `T`?
template <class T>
concept from_lua = requires(lua_State* L) {
  converter<T>::check(L, 1);
  converter<T>::get(L, 1);
};

/// What a wait for time ended by is nothing to tell Lua.
inline int push_results(lua_State*, wake_reason) noexcept { return 0; }

/// Pushes what a C++ function returned as the results of a Lua function; returns how many values that are.
template <class T>
int push_results(lua_State* L, const T& value) {
  converter<T>::push(L, value);
  return 1;
}

template <class... Values>
int push_results(lua_State* L, const std::tuple<Values...>& values) {
  reserve_stack(L, sizeof...(Values));
  std::apply([&](const Values&... each) { (converter<Values>::push(L, each), ...); }, values);
  return static_cast<int>(sizeof...(Values));
}

/// A failure is nil and the error; success without a value is true.
template <class T, class Error>
int push_results(lua_State* L, const std::expected<T, Error>& outcome) {
  if (outcome) {
    if constexpr (std::is_void_v<T>) {
      push_boolean(L, true);
      return 1;
    } else {
      return push_results(L, *outcome);
    }
  }
  if constexpr (std::same_as<Error, std::error_code>) {
    push_failure(L, outcome.error());
  } else {
    push_nil(L);
    converter<Error>::push(L, outcome.error());
  }
  return 2;
}

/// Is there a `converter` that pushes a `T`?
template <class T>
concept pushed = requires(lua_State* L, const T& value) { converter<T>::push(L, value); };

/// Can a function return a `T`? What `push_results` takes.
template <class T>
struct goes_to_lua : std::bool_constant<pushed<T>> {};
template <>
struct goes_to_lua<wake_reason> : std::true_type {};
template <class... Values>
struct goes_to_lua<std::tuple<Values...>> : std::conjunction<goes_to_lua<Values>...> {};
template <class Error>
struct goes_to_lua<std::expected<void, Error>> : std::true_type {};
template <class T, class Error>
struct goes_to_lua<std::expected<T, Error>> : goes_to_lua<T> {};
template <class T>
concept to_lua = goes_to_lua<T>::value;

/// Checks the values from `first` on as one of each type.
/// @param wrong  is set to which of them, counted from 1, cannot be converted.
/// @return  why not; null if all can.
template <class... Values>
const char* check_values([[maybe_unused]] lua_State* L, [[maybe_unused]] int first, int& wrong) {
  reserve_stack(L, sizeof...(Values));
  const char* problem = nullptr;
  wrong = 0;
  static_cast<void>((... || ((problem = converter<Values>::check(L, first + wrong++)) != nullptr)));
  return problem;
}

}  // namespace detail

}  // namespace copas::lua
