#pragma once

#include <cstddef>

#include "copas/core/loop.hpp"
#include "lua/compat.hpp"

namespace copas::lua {

/// Collects garbage while the loop is idle, so that sockets which somebody dropped get closed.
///
/// Some quiet time after there was activity it runs two cycles (one finds what is dead, finalisers may leave more), in
/// short steps that use a tenth of the time at most; then it is silent until there is activity again. It does nothing
/// if nothing can have been dropped: no memory was used, and no socket is open that nobody waits on.
class garbage {
 public:
  explicit garbage(copas::loop& home) noexcept : loop_{home} {}

  /// Threads have run.
  /// @param dropped_sockets  whether there may be sockets that nobody refers to any more.
  void activity(lua_State* L, bool dropped_sockets);

  /// When the next step is due; `never` if there is nothing to do.
  [[nodiscard]] deadline next_step() const noexcept { return cycles_left_ > 0 ? next_step_ : never; }

  /// Is a step due? Asks the clock that waits are measured on: a coarser one would lag behind the end of the wait.
  [[nodiscard]] bool due() const noexcept { return cycles_left_ > 0 && next_step_ <= loop_.io().now(); }

  /// One step. Runs finalisers, which may raise errors.
  void step(lua_State* L);

 private:
  copas::loop& loop_;
  deadline next_step_;
  deadline not_before_;                // keeps collections of a large heap apart
  std::chrono::nanoseconds spent_{};     // on the current two cycles
  std::size_t kept_ = 0;                 // kilobytes that were left after the last collection
  int cycles_left_ = 0;
};

}  // namespace copas::lua
