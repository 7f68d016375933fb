#include "copas/core/wait_list.hpp"

#include <utility>

#include "copas/core/loop.hpp"

namespace copas {

void wait_node::park(loop& home, waiter who, wait_kind kind, deadline until) noexcept {
  home_ = &home;
  due_ = until;
  park(who, kind);
}

void wait_node::park(waiter who, wait_kind kind) noexcept {
  who_ = who;
  kind_ = kind;
  task_ = home_->current_;
  park_again();
}

void wait_node::park_in_background(loop& home, waiter who, deadline until) noexcept {
  home_ = &home;
  due_ = until;
  who_ = who;
  kind_ = wait_kind::background;
  task_ = nullptr;
  park_again();
}

void wait_node::park_again() noexcept {
  if (due_ != never) home_->timers_.set(*this, due_);
  state_ = state::parked;
  reason_ = wake_reason::none;
  if (kind_ != wait_kind::signal) ++home_->parked_[static_cast<std::size_t>(kind_)];
  if (task_ != nullptr) {
    task_->waiting_on_ = this;
    task_->last_wait_ = activity().data();
    task_->since_ = home_->turn_time_;
  }
}

void wait_node::queue_up(waiter who) noexcept {
  who_ = who;
  kind_ = wait_kind::signal;
  reason_ = wake_reason::event;
  task_ = home_->current_;
  if (task_ != nullptr) task_->since_ = home_->turn_time_;
  state_ = state::woken;
  home_->ready_.push_back(*this);
}

void wait_node::wake_at(deadline until) noexcept {
  if (set()) home_->timers_.cancel(*this);
  due_ = until;
  if (due_ != never) home_->timers_.set(*this, due_);
}

void wait_node::run_as(task_record& whose) noexcept {
  if (task_ != nullptr) task_->waiting_on_ = nullptr;
  task_ = &whose;
  whose.waiting_on_ = this;
}

void wait_node::withdraw() noexcept {
  unlink();
  if (set()) home_->timers_.cancel(*this);
  const bool was_parked = std::exchange(state_, state::idle) == state::parked;
  if (!was_parked) return;  // its task may have ended since it was woken
  if (kind_ != wait_kind::signal) --home_->parked_[static_cast<std::size_t>(kind_)];  // others may outlive the loop
  if (task_ != nullptr && task_->waiting_on_ == this) task_->waiting_on_ = nullptr;
}

}  // namespace copas
