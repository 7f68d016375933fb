#pragma once

#include <algorithm>
#include <cstddef>
#include <expected>
#include <initializer_list>
#include <system_error>
#include <type_traits>

namespace copas {

/// What a network does on a normal day is a value: the thing asked for, or why there is none.
template <class T>
using result = std::expected<T, std::error_code>;

/// Failures that the operating system has no number for, or whose number says too little.
enum class errc {
  closed = 1,         ///< the peer, or somebody on this side, closed the stream
  timed_out,          ///< the deadline passed first
  destroyed,          ///< what was waited for, or used, has been destroyed
  too_many,           ///< more units than a semaphore can ever have
  not_owner,          ///< release of a lock by somebody who does not hold it
  stopping,           ///< a queue takes no more items
  cancelled,          ///< whoever was to give a result will not
};

/// What an `errc` is called, in the words of LuaSocket and Copas.
[[nodiscard]] const char* text_of(errc code) noexcept;

[[nodiscard]] const std::error_category& copas_category() noexcept;
[[nodiscard]] inline std::error_code make_error_code(errc code) noexcept {
  return {static_cast<int>(code), copas_category()};
}

/// That there is none. To copy it costs less than to make one, which takes a call.
inline const std::error_code no_error{};

/// The error with the number `code` of errno(3).
[[nodiscard]] inline std::error_code system_error(int code) noexcept { return {code, std::system_category()}; }

/// Success, or why there is none.
[[nodiscard]] inline result<void> as_result(const std::error_code& error) noexcept {
  if (error) return std::unexpected{error};
  return {};
}

/// Is it one of the errors with these numbers of errno(3)?
[[nodiscard]] inline bool is_one_of(const std::error_code& error, std::initializer_list<int> codes) noexcept {
  return std::ranges::any_of(codes, [&](int code) { return error == system_error(code); });
}

/// Does it say that there was no descriptor left, or no memory for one?
[[nodiscard]] bool is_descriptor_shortage(const std::error_code& error) noexcept;

/// Outcome of an operation that moves bytes: how many it moved, and why it stopped if it did not finish.
struct [[nodiscard]] transfer {
  std::size_t bytes = 0;
  std::error_code error = no_error;

  /// Did it finish?
  explicit operator bool() const noexcept { return !error; }
};

}  // namespace copas

template <>
struct std::is_error_code_enum<copas::errc> : std::true_type {};
