#pragma once

#include <memory>
#include <stdexcept>
#include <string>

#include "copas/lua/reference.hpp"

namespace copas::lua {

/// An error of Lua as a C++ exception. Where one leaves a C++ function that Lua has called, Lua gets its own error back.
class error final : public std::runtime_error {
 public:
  /// @param message    what Lua's `tostring` makes of the error.
  /// @param traceback  as debug.traceback gives it; empty if there is none.
  /// @param value      the error itself; empty if it did not come from Lua.
  explicit error(const std::string& message, std::string traceback = {}, reference value = {});

  /// The calls that led to the error, one a line below the line "stack traceback:"; empty if nobody knows.
  [[nodiscard]] const std::string& traceback() const noexcept { return origin_->traceback; }
  /// What was raised, which may be any value.
  [[nodiscard]] const reference& value() const noexcept { return origin_->value; }

 private:
  struct origin {
    std::string traceback;
    reference value;
  };
  std::shared_ptr<const origin> origin_;  // shared, so that copying an exception does not throw
};

}  // namespace copas::lua
