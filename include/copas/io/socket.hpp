#pragma once

#include <system_error>

#include "copas/core/ref.hpp"
#include "copas/io/readiness.hpp"
#include "copas/io/unique_fd.hpp"

namespace copas {

/// A descriptor that operations wait on, shared by all that use it: handles, parked operations, owners in Lua.
///
/// Closing it ends every operation that waits on it. The last owner to go closes it.
class socket : public ref_counted {
 public:
  explicit socket(unique_fd fd = {}, readiness::mode how = readiness::mode::edges) noexcept
      : fd_{std::move(fd)}, readiness_{*this, how} {}
  virtual ~socket() { close(); }

  /// The descriptor; -1 before there is one, and once it is closed.
  [[nodiscard]] int fd() const noexcept { return fd_.get(); }
  [[nodiscard]] bool open() const noexcept { return static_cast<bool>(fd_); }
  [[nodiscard]] readiness& ready() noexcept { return readiness_; }
  /// The loop whose tasks wait, or waited last, on it; null if nobody ever did.
  [[nodiscard]] loop* home() const noexcept { return readiness_.home(); }

  /// Closes the descriptor and wakes whoever waits on it. @see close(2)
  void close() noexcept;

  /// Gives the descriptor away: as `close`, but it stays open. -1 if there is none.
  [[nodiscard]] int release() noexcept;

  /// Takes over another descriptor, after giving its own away unclosed.
  void replace(unique_fd fd) noexcept;

  /// Takes over a descriptor when it has none; those who wait in line for it go on waiting.
  void adopt(unique_fd fd) noexcept { fd_ = std::move(fd); }

  /// Are there bytes that were read from the descriptor and that nobody has taken?
  [[nodiscard]] virtual bool holds_bytes() const noexcept { return false; }

 protected:
  /// Called before the descriptor is closed, while it can still be used.
  virtual void take_leave() noexcept {}
  /// Called when the descriptor goes: whatever was known of its bytes is void.
  virtual void forget_bytes() noexcept {}

 private:
  unique_fd fd_;
  readiness readiness_;
};

}  // namespace copas
