#pragma once

#include <sys/socket.h>

#include <cerrno>
#include <chrono>
#include <expected>
#include <optional>
#include <system_error>
#include <type_traits>
#include <utility>

#include "copas/core/result.hpp"

namespace copas {

/// How setsockopt(2) has the values that C++ calls `Value`: as they are, unless a specialisation says otherwise.
template <class Value>
struct option_form {
  static Value to_system(const Value& value) noexcept { return value; }
  static Value from_system(const Value& value) noexcept { return value; }
};

template <>
struct option_form<bool> {
  static int to_system(bool value) noexcept { return value ? 1 : 0; }
  static bool from_system(int value) noexcept { return value != 0; }
};

template <class Period>
struct option_form<std::chrono::duration<int, Period>> {
  using duration = std::chrono::duration<int, Period>;
  static int to_system(duration value) noexcept { return value.count(); }
  static duration from_system(int value) noexcept { return duration{value}; }
};

/// None where the system has a switch beside the time, which is off.
template <class Period>
struct option_form<std::optional<std::chrono::duration<int, Period>>> {
  using duration = std::chrono::duration<int, Period>;
  static ::linger to_system(std::optional<duration> value) noexcept {
    return {.l_onoff = value ? 1 : 0, .l_linger = value ? value->count() : 0};
  }
  static std::optional<duration> from_system(const ::linger& value) noexcept {
    if (value.l_onoff == 0) return std::nullopt;
    return duration{value.l_linger};
  }
};

/// An option of a socket: which it is to setsockopt(2), and the type of its values. `copas/net/options.hpp` names many;
/// another is made in its place, e.g. `socket_option<int>{SOL_SOCKET, SO_MARK}`.
///
/// @tparam Value  bool, int, a duration that counts in int, or what the system itself has, as the type of its own.
template <class Value>
struct socket_option {
  int level;
  int name;

  using system_type = decltype(option_form<Value>::to_system(std::declval<Value>()));
  static_assert(std::is_trivially_copyable_v<system_type>);
};

/// Sets an option of a descriptor.
/// @error  as setsockopt(2) reports them, e.g. ENOPROTOOPT, EINVAL, EPERM
template <class Value>
std::error_code set_option(int fd, socket_option<Value> which, const std::type_identity_t<Value>& value) noexcept {
  const auto raw = option_form<Value>::to_system(value);
  if (::setsockopt(fd, which.level, which.name, &raw, sizeof raw) != 0) return system_error(errno);
  return {};
}

/// The value of an option of a descriptor.
/// @error  as getsockopt(2) reports them
template <class Value>
[[nodiscard]] result<Value> get_option(int fd, socket_option<Value> which) noexcept {
  typename socket_option<Value>::system_type raw{};
  socklen_t size = sizeof raw;
  if (::getsockopt(fd, which.level, which.name, &raw, &size) != 0) return std::unexpected{system_error(errno)};
  return option_form<Value>::from_system(raw);
}

/// What every owner of a socket offers about its options. @tparam Owner  has `fd()`.
template <class Owner>
class with_options {
 public:
  /// Sets an option, e.g. `set_option(option::no_delay, true)`.
  /// @error  as setsockopt(2) reports them, e.g. ENOPROTOOPT for an option of another protocol
  template <class Value>
  result<void> set_option(socket_option<Value> which, const std::type_identity_t<Value>& value) noexcept {
    return as_result(copas::set_option(static_cast<const Owner&>(*this).fd(), which, value));
  }

  /// The value of an option.
  /// @error  as getsockopt(2) reports them
  template <class Value>
  [[nodiscard]] result<Value> get_option(socket_option<Value> which) const noexcept {
    return copas::get_option(static_cast<const Owner&>(*this).fd(), which);
  }

 private:
  friend Owner;
  with_options() = default;
};

}  // namespace copas
