#pragma once

#include <chrono>
#include <system_error>

#include "copas/io/socket.hpp"

namespace copas {

/// An operation on one side of a socket: tries, parks until the descriptor is ready, tries again.
///
/// The derived class makes the attempts; when one finishes, or there can be no more (timeout, close), the waiter goes on.
class io_operation : public wait_node {
 public:
  /// When it gives up. To be set before it parks.
  void set_deadline(deadline until) noexcept { set_until(until); }

  [[nodiscard]] bool await_ready() noexcept;
  void await_suspend(waiter who) noexcept;

  /// One try, without waiting; true if the operation is over, well or badly. It is the way of blocking calls, too.
  [[nodiscard]] virtual bool attempt() noexcept = 0;
  /// Ends the operation with `why`; what it has got so far counts.
  virtual void give_up(std::error_code why) noexcept = 0;

  /// How long to wait before the next attempt, where the system does not tell when one could succeed; zero where it does.
  [[nodiscard]] virtual std::chrono::nanoseconds next_pause() noexcept { return {}; }

  [[nodiscard]] side which() const noexcept { return side_; }
  /// Has the last attempt got it a part, so that the others have the next readiness? An operation whose parts must not be
  /// mixed with those of others says no: it keeps its place at the front, as one that got nothing does.
  [[nodiscard]] virtual bool got_part() const noexcept { return false; }

 protected:
  io_operation(loop* home, ref<socket> on, side which) noexcept
      : wait_node{home, never}, socket_{std::move(on)}, side_{which} {}
  ~io_operation() override;

  [[nodiscard]] socket& on() const noexcept { return *socket_; }
  bool advance() override;
  /// Waits until the socket is ready.
  virtual void wait_in_line() noexcept;
  /// The same; @return why it cannot wait.
  [[nodiscard]] std::error_code join_line() noexcept;
  /// From now on waits on the other side; those who wait on this one go on. To be called by `attempt`.
  void turn_to(side which) noexcept;
  /// Keeps the turn while it does something else than wait in line; those who come meanwhile queue.
  void hold_turn() noexcept;
  /// Does it carry on for one that had the turn and got nothing, so that it begins at the front of the line?
  [[nodiscard]] virtual bool continues_turn() const noexcept { return false; }
  /// It was woken because a time had passed; was that its deadline?
  [[nodiscard]] virtual bool at_deadline() const noexcept { return true; }
  /// From now on only what the system says after it began to wait is a reason to go on.
  void wait_for_news() noexcept { wants_ = readiness::wants::news; }
  /// Ends the operation; to be followed by `loop::schedule` if it is parked.
  void end_with(std::error_code why) noexcept;
  /// Ends the operation, which is parked.
  void end_soon(std::error_code why) noexcept;
  /// Has it ended?
  [[nodiscard]] bool over() const noexcept { return over_; }

 private:
  friend class readiness;
  [[nodiscard]] bool expired() const noexcept { return reason() == wake_reason::timed_out && at_deadline(); }
  void leave_line() noexcept;
  [[nodiscard]] wait_kind kind_of_wait() const noexcept {
    return side_ == side::read ? wait_kind::read : wait_kind::write;
  }

  ref<socket> socket_;
  // The small ones last: those of derived classes fit behind them.
  side side_;
  readiness::wants wants_ = readiness::wants::readiness;
  bool joined_ = false;  // it may be in a line of the socket, or have the turn
  bool over_ = false;
  bool deferred_ = false;  // not tried yet, though nobody waits: its task had its share
};

}  // namespace copas
