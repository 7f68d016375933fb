#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <system_error>

#include "copas/core/loop.hpp"
#include "copas/core/wait_list.hpp"

namespace copas {

class io_operation;
class socket;

/// The two directions of a descriptor.
enum class side : std::uint8_t { read, write };

/// What is known about one descriptor, and who waits for it.
///
/// Each side is a FIFO with one holder: the operation that was woken and has not run yet. Whoever comes while others
/// wait, or while there is a holder, queues and does not try first. A holder that is done, or goes, hands a readiness
/// that is still good, or bytes that are buffered, to the next in line. One that got nothing keeps its place.
///
/// A descriptor that this process owns is watched edge-triggered, from the first time somebody waits until it is closed
/// or given away. One that belongs to somebody else (`mode::one_shot`) is armed for each wait, since it may be closed and
/// its number reused without our knowing.
class readiness final : public event_source {
 public:
  enum class mode : std::uint8_t { edges, one_shot };

  /// What a waiter takes for a reason to go on.
  enum class wants : std::uint8_t {
    readiness,  ///< also one that is known already
    news,  ///< only what the system says after it began to wait
  };

  explicit readiness(socket& owner, mode how = mode::edges) noexcept : owner_{owner}, mode_{how} {}
  /// Wakes all waiters and forgets the descriptor.
  ~readiness() { forget(); }

  /// Nobody waits on this side, so trying is no barging.
  [[nodiscard]] bool vacant(side which) const noexcept {
    return at(which).waiting.empty() && at(which).holder == nullptr;
  }
  /// Is it the turn of this operation?
  [[nodiscard]] bool holds(const io_operation& op) const noexcept;
  /// False if trying would certainly find nothing.
  [[nodiscard]] bool may_be_ready(side which) const noexcept { return !blocked_[static_cast<std::size_t>(which)]; }

  /// Forgets that it was found not ready.
  void assume_ready(side which) noexcept { blocked_[static_cast<std::size_t>(which)] = false; }

  /// Notes what a system call found out.
  void learn(side which, const moved& outcome) noexcept;

  /// There are bytes for the next reader that no event will announce, because the owner of the descriptor holds them.
  void announce_bytes() noexcept;

  /// The loop it is registered with; null if there is none.
  [[nodiscard]] loop* home() const noexcept { return home_; }
  [[nodiscard]] socket& owner() const noexcept { return owner_; }

  /// Wakes all waiters (`wake_reason::closed`) and takes the descriptor from the reactor. To be called before the
  /// descriptor is closed or given away.
  void forget() noexcept;

  void on_event(const io_event& what) noexcept override;
  void on_detached() noexcept override;

 private:
  friend class io_operation;
  struct line {
    wait_list waiting;
    io_operation* holder = nullptr;
  };

  static constexpr std::array both{side::read, side::write};

  [[nodiscard]] line& at(side which) noexcept { return lines_[static_cast<std::size_t>(which)]; }
  [[nodiscard]] const line& at(side which) const noexcept { return lines_[static_cast<std::size_t>(which)]; }
  std::error_code queue(io_operation& op, loop& home, int fd, wants what) noexcept;
  void hold(io_operation& op, loop& home, int fd) noexcept;
  [[nodiscard]] bool another_loop_waits(const loop& than) const noexcept;
  std::error_code move_to(loop& home, int fd) noexcept;
  std::error_code register_with(loop& home, int fd);
  std::error_code arm() noexcept;
  void wake_first(line& waiters) noexcept;
  void wake_all() noexcept;
  void leave_loop() noexcept;
  std::error_code pass_on(side which) noexcept;
  void leave(io_operation& left) noexcept;

  socket& owner_;
  loop* home_ = nullptr;
  std::array<line, 2> lines_;
  int fd_ = -1;
  std::uint32_t generation_ = 0;  // zero: not registered with the loop
  mode mode_;
  std::array<bool, 2> blocked_{};  // known to be not ready; at first nothing is known
  bool ending_ = false;  // end, error or urgent data was seen: a short read does not prove that nothing is left
};

}  // namespace copas
