#include "copas/io/operation.hpp"

#include <utility>

#include "copas/core/result.hpp"

namespace copas {

io_operation::~io_operation() {
  wait_node::leave();  // so that the turn does not come back to it
  leave_line();
}

bool io_operation::await_ready() noexcept {
  home()->flush_gathered_but(socket_.get());
  if (!socket_->ready().vacant(side_)) return false;
  deferred_ = !home()->within_budget();
  if (!deferred_) over_ = attempt();
  return over_;
}

void io_operation::await_suspend(waiter who) noexcept {
  park(who, kind_of_wait());
  if (!deferred_) return wait_in_line();
  hold_turn();
  home()->schedule(*this);
}

bool io_operation::advance() {
  if (over_) return true;
  readiness& at = socket_->ready();
  if (reason() == wake_reason::closed) {
    end_with(errc::closed);
  } else if (at.vacant(side_) || at.holds(*this)) {
    if (expired()) at.assume_ready(side_);  // the last attempt is made whatever is known
    over_ = attempt();
  }
  if (!over_ && expired()) end_with(errc::timed_out);
  if (over_) {
    leave_line();
    return true;
  }
  park_again();
  wait_in_line();
  return false;
}

std::error_code io_operation::join_line() noexcept {
  joined_ = true;
  return socket_->ready().queue(*this, *home(), socket_->fd(), wants_);
}

void io_operation::wait_in_line() noexcept {
  if (const std::error_code error = join_line()) end_soon(error);
}

void io_operation::end_soon(std::error_code why) noexcept {
  end_with(why);
  home()->schedule(*this);
}

void io_operation::turn_to(side which) noexcept {
  if (side_ == which) return;
  leave_line();
  side_ = which;
}

void io_operation::leave_line() noexcept {
  if (std::exchange(joined_, false)) socket_->ready().leave(*this);
}

void io_operation::hold_turn() noexcept {
  joined_ = true;
  socket_->ready().hold(*this, *home(), socket_->fd());
}

void io_operation::end_with(std::error_code why) noexcept {
  give_up(why);
  over_ = true;
}

}  // namespace copas
