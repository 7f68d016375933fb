#include "copas/sync/semaphore.hpp"

#include <algorithm>

namespace copas {

result<void> semaphore::try_take(count units) noexcept {
  if (destroyed_) return std::unexpected{make_error_code(errc::destroyed)};
  if (waiting_.empty() && units <= free_) {
    free_ -= units;
    return {};
  }
  return std::unexpected{make_error_code(units > most_ ? errc::too_many : errc::timed_out)};
}

bool semaphore::give(count units) noexcept {
  if (destroyed_) return false;
  free_ += units;
  const bool all_fit = free_ <= most_;
  free_ = std::min(free_, most_);
  serve();
  return all_fit;
}

void semaphore::destroy() noexcept {
  destroyed_ = true;
  while (!waiting_.empty()) {
    auto& first = static_cast<take_awaitable&>(waiting_.front());
    dequeue(first);
    first.wake(wake_reason::closed);
  }
  while (!granted_.empty()) granted_.front().unlink();
}

void semaphore::enqueue(take_awaitable& added) noexcept {
  wanted_ += added.units_;
  waiting_.push_back(added);
}

void semaphore::dequeue(take_awaitable& removed) noexcept {
  wanted_ -= removed.units_;
  static_cast<place&>(removed).unlink();
}

// It will not use what it waits for, or has been granted: others may.
void semaphore::abandon(take_awaitable& left) noexcept {
  if (left.outcome_) {
    static_cast<place&>(left).unlink();
    give(left.units_);
  } else {
    dequeue(left);
    serve();
  }
}

void semaphore::serve() noexcept {
  while (!waiting_.empty()) {
    auto& first = static_cast<take_awaitable&>(waiting_.front());
    if (first.units_ > free_) return;
    free_ -= first.units_;
    dequeue(first);
    granted_.push_back(first);
    first.outcome_ = {};
    first.wake(wake_reason::event);
  }
}

bool semaphore::take_awaitable::advance() noexcept {
  if (!place::linked()) {
    outcome_ = std::unexpected{make_error_code(errc::destroyed)};
  } else if (!outcome_) {
    from_.abandon(*this);
  }
  return true;
}

// One whose time has passed just now keeps its place until its turn, and may be served.
void semaphore::take_awaitable::wake(wake_reason why) noexcept {
  if (parked()) home()->schedule(*this, why);
}

}  // namespace copas
