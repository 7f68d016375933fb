#include "lua/blocking.hpp"

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <chrono>

#include "copas/core/result.hpp"

namespace copas::lua {
namespace {

deadline after(deadline start, double seconds) noexcept { return seconds < 0 ? never : start + from_seconds(seconds); }

// Waits until the descriptor is ready; false if `until` passed first.
bool wait_for(int fd, side which, deadline until) noexcept {
  for (;;) {
    pollfd waiting{.fd = fd, .events = which == side::read ? short{POLLIN} : short{POLLOUT}, .revents = 0};
    timespec left{};
    if (until != never) {
      const auto rest = std::max(until - blocking_now(), std::chrono::nanoseconds::zero());
      const auto seconds = std::chrono::floor<std::chrono::seconds>(rest);
      left = {.tv_sec = seconds.count(), .tv_nsec = (rest - seconds).count()};
    }
    const int ready = ::ppoll(&waiting, 1, until == never ? nullptr : &left, nullptr);
    if (ready > 0) return true;
    if (ready == 0 || errno != EINTR) return false;
  }
}

}  // namespace

deadline blocking_now() noexcept { return deadline{std::chrono::steady_clock::now().time_since_epoch()}; }

void perform(io_operation& operation, copas::socket& on, const blocking_timeouts& limits) noexcept {
  const deadline end = limits.total < 0 ? never : after(blocking_now(), limits.total);
  for (;;) {
    on.ready().assume_ready(operation.which());
    if (operation.attempt()) return;
    const deadline until = limits.block < 0 ? end : std::min(end, after(blocking_now(), limits.block));
    if (limits.block != 0 && limits.total != 0 && wait_for(on.fd(), operation.which(), until)) continue;
    operation.give_up(errc::timed_out);
    return;
  }
}

}  // namespace copas::lua
