#include "copas/sync/lock.hpp"

namespace copas {

result<lock::guard> lock::try_get(task_record* who) noexcept {
  if (!reenter(who)) {
    if (const auto taken = key_.try_take(); !taken) return std::unexpected{taken.error()};
    belong_to(who);
  }
  return guard{*this, who};
}

result<void> lock::release(task_record* who) noexcept {
  if (destroyed()) return std::unexpected{make_error_code(errc::destroyed)};
  if (!held_by(who)) return std::unexpected{make_error_code(errc::not_owner)};
  let_go();
  return {};
}

bool lock::reenter(task_record* who) noexcept {
  if (again_ != reentry::allowed || !held_by(who)) return false;
  ++depth_;
  return true;
}

void lock::belong_to(task_record* who) noexcept {
  owner_ = who;
  depth_ = 1;
  if (who != nullptr) who->watch(*this);
}

void lock::let_go() noexcept {
  if (--depth_ == 0) give_up();
}

void lock::give_up() noexcept {
  unlink();
  owner_ = nullptr;
  depth_ = 0;
  key_.give();
}

result<lock::guard> lock::get_awaitable::await_resume() noexcept {
  if (!reentered_) {
    if (const auto taken = take_awaitable::await_resume(); !taken) return std::unexpected{taken.error()};
    lock_.belong_to(who_);
  }
  return guard{lock_, who_};
}

}  // namespace copas
