#include "copas/sync/queue.hpp"

namespace copas {

result<void> queue_control::may_push() const noexcept {
  switch (state_) {
    case state::open: return {};
    case state::stopping: return std::unexpected{make_error_code(errc::stopping)};
    case state::destroyed: break;
  }
  return std::unexpected{make_error_code(errc::destroyed)};
}

void queue_control::pushed() noexcept {
  ++size_;
  static_cast<void>(items_.give());
}

result<void> queue_control::try_pop() noexcept {
  const result<void> granted = items_.try_take();
  if (granted) take();
  return granted;
}

void queue_control::take() noexcept {
  --size_;
  if (stopping() && size_ == 0) destroy();
}

void queue_control::stop() noexcept {
  if (destroyed()) return;
  state_ = state::stopping;
  if (size_ == 0) destroy();
}

void queue_control::destroy() noexcept {
  state_ = state::destroyed;
  size_ = 0;
  items_.destroy();
}

}  // namespace copas
