#pragma once

#include <cstddef>

#include "copas/core/loop.hpp"
#include "lua/compat.hpp"

namespace copas::lua {

/// Collects garbage while the loop is idle, so that sockets which somebody dropped get closed.
///
/// Some quiet time after there was activity it runs two cycles (one finds what is dead, finalisers may leave more), in
/// short steps that use a tenth of the time at most, or a thirtieth where no socket can have been dropped; then it is
/// silent until there is activity again. Where it is never
/// quiet for so long, it takes the moments without events: some thread may wake up a hundred times a second. It does
/// nothing if nothing can have been dropped: no memory was used, and no socket is open that nobody waits on.
class garbage {
 public:
  explicit garbage(copas::loop& home) noexcept : loop_{home} {}

  /// Threads have run.
  /// @param dropped_sockets  whether there may be sockets that nobody refers to any more.
  void activity(lua_State* L, bool dropped_sockets);

  /// When the next step is due; `never` if there is nothing to do.
  [[nodiscard]] deadline next_step() const noexcept { return cycles_left_ > 0 ? next_step_ : never; }

  /// Is a step due, in a moment without events? Where tasks are always ready, only if there may be dropped sockets.
  /// Asks the clock that waits are measured on: a coarser one would lag behind the end of the wait.
  [[nodiscard]] bool due(bool busy) const noexcept {
    if (cycles_left_ == 0 || (busy && !(for_sockets_ && overdue()))) return false;
    return next_step_ <= loop_.io().now();
  }

  /// One step. Runs finalisers, which may raise errors.
  /// @param dropped_sockets  as of `activity`.
  void step(lua_State* L, bool dropped_sockets);

 private:
  [[nodiscard]] bool overdue() const noexcept { return latest_ <= loop_.turn_time(); }

  copas::loop& loop_;
  deadline next_step_;
  deadline latest_;  // beyond which activity does not put off the next step
  deadline not_before_;  // keeps steps apart, and collections of a large heap
  std::chrono::nanoseconds spent_{};  // on the current two cycles
  std::size_t kept_ = 0;  // kilobytes that were left after the last collection
  int cycles_left_ = 0;
  bool for_sockets_ = false;  // that may have been dropped
  bool missed_ = false;  // activity that the current cycles may have come too early for
};

}  // namespace copas::lua
