#pragma once

#include <utility>

#include "copas/io/descriptor_table.hpp"

namespace copas::lua {

/// A thread's wait for a descriptor that belongs to an object of another library.
class foreign_wait final : public readiness_wait {
 public:
  /// @param limited  whether its deadline is the user's; if not, it is only there to try again.
  foreign_wait(copas::loop* home, ref<copas::socket> on, side which, place in_line, bool limited) noexcept
      : readiness_wait{home, std::move(on), which, in_line}, limited_{limited} {}

  [[nodiscard]] bool limited() const noexcept { return limited_; }

 private:
  bool limited_;
};

}  // namespace copas::lua
