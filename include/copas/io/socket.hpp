#pragma once

#include <string>

#include "copas/core/deadline.hpp"
#include "copas/core/ref.hpp"
#include "copas/io/readiness.hpp"
#include "copas/io/unique_fd.hpp"

namespace copas {

/// What is still to be done when a descriptor is closed, before it really is.
struct farewell {
  std::string bytes;  ///< to be sent
  loop* home = nullptr;  ///< does it; null if there is nothing to do
  deadline until = never;
  /// Whether to read what the peer sends until its end. If bytes met a closed connection, the system would reset it, and
  /// the peer lose what it has not read yet.
  bool hears_out = false;
};

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

  /// Closes the descriptor and wakes whoever waits on it. If something is to be sent before that the system does not take
  /// at once, the descriptor stays open for it, and nobody sees it any more. @see close(2)
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
  virtual farewell take_leave() noexcept { return {}; }
  /// Called when the descriptor goes: whatever was known of its bytes is void.
  virtual void forget_bytes() noexcept {}

 private:
  unique_fd fd_;
  [[no_unique_address]] readiness readiness_;  // so that what derived classes have begins behind its last member
};

}  // namespace copas
