#pragma once

#include <system_error>

#include "copas/core/result.hpp"

namespace copas::testing {

/// What `error_of` gives for a success.
inline const std::error_code none;

// The errors that most waits may end with.
inline const std::error_code timed_out = errc::timed_out;
inline const std::error_code destroyed = errc::destroyed;

/// How an operation ended.
template <class T>
[[nodiscard]] std::error_code error_of(const result<T>& outcome) {
  return outcome ? none : outcome.error();
}

}  // namespace copas::testing
