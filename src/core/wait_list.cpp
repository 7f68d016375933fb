#include "copas/core/wait_list.hpp"

#include "copas/core/loop.hpp"

namespace copas {

void wait_node::park(loop& home, waiter who, wait_kind kind, deadline until) {
  home_ = &home;
  who_ = who;
  kind_ = kind;
  until_ = until;
  task_ = home.current_;
  park_again();
}

void wait_node::park_again() noexcept {
  if (until_ != never) home_->timers_.set(*this, until_);
  state_ = state::parked;
  reason_ = wake_reason::none;
  if (kind_ != wait_kind::signal) ++home_->parked_[static_cast<std::size_t>(kind_)];
  if (task_ != nullptr) {
    task_->waiting_on_ = this;
    task_->since_ = home_->turn_time_;
  }
}

void wait_node::wake_at(deadline until) noexcept {
  timer_hook::cancel();
  until_ = until;
  if (until_ != never) home_->timers_.set(*this, until_);
}

void wait_node::run_as(task_record& whose) noexcept {
  if (task_ != nullptr) task_->waiting_on_ = nullptr;
  task_ = &whose;
  whose.waiting_on_ = this;
}

void wait_node::leave() noexcept {
  unlink();
  timer_hook::cancel();
  leave_parking();
  state_ = state::idle;
}

void wait_node::leave_parking() noexcept {
  if (state_ != state::parked) return;
  if (kind_ != wait_kind::signal) --home_->parked_[static_cast<std::size_t>(kind_)];
  if (task_ != nullptr && task_->waiting_on_ == this) task_->waiting_on_ = nullptr;
}

}  // namespace copas
