#include "copas/io/readiness.hpp"

#include <cerrno>
#include <new>
#include <utility>

#include "copas/core/result.hpp"
#include "copas/io/operation.hpp"

namespace copas {

bool readiness::holds(const io_operation& op) const noexcept { return at(op.side_).holder == &op; }

void readiness::learn(side which, const moved& outcome) noexcept {
  if ((outcome.drained && !ending_) || outcome.blocked()) blocked_[static_cast<std::size_t>(which)] = true;
}

void readiness::on_event(const io_event& what) noexcept {
  ending_ = ending_ || what.ending;
  for (const side which : both) {
    if (which == side::read ? !what.readable : !what.writable) continue;
    line& here = at(which);
    assume_ready(which);
    if (here.holder != nullptr || here.waiting.empty()) continue;
    auto& first = static_cast<io_operation&>(here.waiting.front());
    home_->wake_by_event(first);
    here.holder = &first;
  }
  if (mode_ == mode::one_shot) static_cast<void>(arm());  // for the other side, which the event has disarmed, too
}

void readiness::on_detached() noexcept {
  wake_all();
  home_ = nullptr;
  generation_ = 0;
}

// Lets every waiter find out for itself.
void readiness::wake_all() noexcept {
  for (const line& each : lines_) {
    while (!each.waiting.empty()) home_->schedule(each.waiting.front());
  }
}

void readiness::forget() noexcept {
  for (const side which : both) {
    line& here = at(which);
    io_operation* const holder = std::exchange(here.holder, nullptr);
    if (holder != nullptr && (holder->woken() || holder->parked()))
      holder->home()->wake_in_next_turn(*holder, wake_reason::closed);
    while (!here.waiting.empty()) {
      auto& first = static_cast<io_operation&>(here.waiting.front());
      first.home()->wake_in_next_turn(first, wake_reason::closed);
    }
    assume_ready(which);
  }
  leave_loop();
  ending_ = false;
}

void readiness::leave_loop() noexcept {
  if (home_ == nullptr) return;
  home_->io().unwatch(fd_);
  home_->sources().detach(fd_);
  home_ = nullptr;
  generation_ = 0;
}

// Puts `op` at the end of its line, or at the front if it keeps its place, and sees to it that an event will come.
std::error_code readiness::queue(io_operation& op, loop& home, int fd, wants what) noexcept {
  line& here = at(op.side_);
  const bool had_its_turn = here.holder == &op;
  if (had_its_turn) here.holder = nullptr;
  if (home_ != &home) {
    if (const auto error = move_to(home, fd)) return error;
  }
  if (!here.waiting.empty() && (op.continues_turn() || (had_its_turn && !op.got_part()))) {
    here.waiting.push_front(op);
  } else {
    here.waiting.push_back(op);
  }
  if (what == wants::readiness || mode_ == mode::one_shot) return pass_on(op.side_);
  return home_->io().watch(fd_, generation_);
}

void readiness::hold(io_operation& op, loop& home, int fd) noexcept {
  at(op.side_).holder = nullptr;
  if (fd >= 0) static_cast<void>(move_to(home, fd));  // if that fails, it does so again when it matters
  at(op.side_).holder = &op;
}

bool readiness::another_loop_waits(const loop& than) const noexcept {
  for (const line& each : lines_) {
    const io_operation* const first = each.holder != nullptr  ? each.holder
                                      : !each.waiting.empty() ? static_cast<io_operation*>(&each.waiting.front())
                                                              : nullptr;
    if (first != nullptr && first->home() != &than) return true;
  }
  return false;
}

std::error_code readiness::move_to(loop& home, int fd) noexcept {
  if (home_ == &home) return no_error;
  if (another_loop_waits(home)) return system_error(EBUSY);
  if (fd < 0) return no_error;  // it will get one
  try {
    return register_with(home, fd);
  } catch (const std::bad_alloc&) {
    return system_error(ENOMEM);
  }
}

std::error_code readiness::register_with(loop& home, int fd) {
  leave_loop();
  generation_ = home.sources().attach(fd, *this);
  home_ = &home;
  fd_ = fd;
  if (mode_ == mode::one_shot) return no_error;
  const auto error = home.io().watch(fd, generation_);
  if (error) leave_loop();
  return error;
}

std::error_code readiness::arm() noexcept {
  const auto wanted = [this](side which) { return !at(which).waiting.empty() && at(which).holder == nullptr; };
  const interest in{.read = wanted(side::read), .write = wanted(side::write)};
  if (!in.read && !in.write) return no_error;
  const auto error = home_->io().watch_once(fd_, generation_, in);
  if (error) wake_all();
  return error;
}

// Whoever is next in line, and could go on, becomes the holder.
std::error_code readiness::pass_on(side which) noexcept {
  line& here = at(which);
  if (here.holder != nullptr || here.waiting.empty()) return no_error;
  const bool buffered = which == side::read && owner_.holds_bytes();
  if (mode_ == mode::one_shot && !buffered) return arm();
  if (buffered || may_be_ready(which)) wake_first(here);
  return no_error;
}

void readiness::announce_bytes() noexcept {
  line& here = at(side::read);
  if (here.holder == nullptr && !here.waiting.empty()) wake_first(here);
}

void readiness::wake_first(line& waiters) noexcept {
  auto& first = static_cast<io_operation&>(waiters.waiting.front());
  first.home()->wake_in_next_turn(first, wake_reason::event);
  waiters.holder = &first;
}

void readiness::leave(io_operation& left) noexcept {
  line& here = at(left.side_);
  const bool had_its_turn = here.holder == &left;
  if (had_its_turn) here.holder = nullptr;
  if (here.waiting.empty()) return;
  if (had_its_turn || owner_.holds_bytes()) static_cast<void>(pass_on(left.side_));  // it may have given bytes back
}

}  // namespace copas
