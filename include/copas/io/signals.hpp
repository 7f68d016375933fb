#pragma once

#include "copas/core/loop.hpp"

namespace copas {

/// While it exists, SIGINT and SIGTERM stop a loop; a second one ends the process, as if nobody had handled it.
///
/// There can be one at a time in a process; a second one takes over. @see sigaction(2)
class stop_signals {
 public:
  explicit stop_signals(loop& stopped) noexcept;
  stop_signals(const stop_signals&) = delete;
  stop_signals& operator=(const stop_signals&) = delete;
  /// The signals do again what they do by default.
  ~stop_signals();
};

}  // namespace copas
