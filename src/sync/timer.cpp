#include "copas/sync/timer.hpp"

#include <cassert>
#include <exception>
#include <utility>

#include "copas/core/sleep.hpp"

namespace copas {

struct timer::shared {
  loop& home;
  callback action;
  std::chrono::nanoseconds delay;
  timer_mode mode;
  std::string name;
  std::source_location where;
  std::uint64_t arming = 0;  // changes when it is armed or cancelled: tasks of earlier armings end
  bool armed = false;
  sleep_awaitable* sleeping = nullptr;  // of the current arming
};

// The delay of a timer; known to it, so that it can be ended early, for as long as it lasts.
class timer::delay_awaitable final : public sleep_awaitable {
 public:
  delay_awaitable(shared& timing, std::chrono::nanoseconds delay) noexcept
      : sleep_awaitable{timing.home, timing.home.io().after(delay)}, timing_{timing} {
    timing_.sleeping = this;
  }
  ~delay_awaitable() override {
    if (timing_.sleeping == this) timing_.sleeping = nullptr;
  }

 private:
  shared& timing_;
};

timer::timer(loop& home, callback action, std::chrono::nanoseconds delay, timer_mode mode, std::string name,
             std::source_location where)
    : shared_{std::make_shared<shared>(shared{.home = home,
                                              .action = std::move(action),
                                              .delay = delay,
                                              .mode = mode,
                                              .name = std::move(name),
                                              .where = where})} {
  assert(delay >= std::chrono::nanoseconds::zero());
}

bool timer::armed() const noexcept { return shared_ != nullptr && shared_->armed; }

bool timer::arm() { return arm(shared_->delay); }

bool timer::arm(std::chrono::nanoseconds initial_delay) {
  if (armed()) return false;
  shared& self = *shared_;
  self.home.spawn(run(shared_, ++self.arming, initial_delay), self.name, self.where);
  self.armed = true;
  return true;
}

bool timer::cancel() noexcept {
  if (!armed()) return false;
  shared& self = *shared_;
  self.armed = false;
  ++self.arming;
  if (self.sleeping != nullptr) self.sleeping->wake();
  return true;
}

task<> timer::run(std::shared_ptr<shared> self, std::uint64_t arming, std::chrono::nanoseconds delay) {
  while (self->arming == arming) {
    co_await delay_awaitable{*self, delay};
    if (self->arming != arming) co_return;
    if (self->mode == timer_mode::once) {
      self->armed = false;
      ++self->arming;
    }
    try {
      co_await self->action();
    } catch (...) {
      self->home.report(std::current_exception(), *self->home.current());
    }
    delay = self->delay;
  }
}

}  // namespace copas
