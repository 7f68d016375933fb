#include "lua/blocking.hpp"

#include <poll.h>
#include <time.h>

#include <algorithm>
#include <cerrno>
#include <chrono>

#include "copas/core/result.hpp"
#include "copas/io/output_buffer.hpp"

namespace copas::lua {
namespace {

deadline after(deadline start, double seconds) noexcept { return seconds < 0 ? never : start + from_seconds(seconds); }

timespec until_then(deadline until) noexcept {
  const auto rest = std::max(until - blocking_now(), std::chrono::nanoseconds::zero());
  const auto seconds = std::chrono::floor<std::chrono::seconds>(rest);
  return {.tv_sec = seconds.count(), .tv_nsec = (rest - seconds).count()};
}

// Waits until the descriptor is ready; false if `until` passed first.
bool wait_for(int fd, side which, deadline until) noexcept {
  for (;;) {
    pollfd waiting{.fd = fd, .events = which == side::read ? short{POLLIN} : short{POLLOUT}, .revents = 0};
    const timespec left = until == never ? timespec{} : until_then(until);
    const int ready = ::ppoll(&waiting, 1, until == never ? nullptr : &left, nullptr);
    if (ready > 0) return true;
    if (ready == 0 || errno != EINTR) return false;
  }
}

// Pauses for a time; false if `until` has passed.
bool pause(std::chrono::nanoseconds time, deadline until) noexcept {
  const timespec left = until_then(std::min(until, blocking_now() + time));
  ::nanosleep(&left, nullptr);
  return blocking_now() < until;
}

}  // namespace

deadline blocking_now() noexcept { return deadline{std::chrono::steady_clock::now().time_since_epoch()}; }

std::chrono::nanoseconds lookup_timeout(const blocking_timeouts& limits) noexcept {
  std::chrono::nanoseconds least = unlimited;
  for (const double each : {limits.block, limits.total}) {
    if (each > 0) least = std::min(least, from_seconds(each));
  }
  return limits.block == 0 || limits.total == 0 ? unlimited : least;
}

blocking_timeouts limits_since(deadline start, const blocking_timeouts& limits) noexcept {
  if (limits.total <= 0) return limits;
  return {.block = limits.block, .total = std::max(limits.total - to_seconds(blocking_now() - start), 0.0)};
}

void perform(io_operation& operation, copas::socket& on, const blocking_timeouts& limits) noexcept {
  flush_gathered_output();
  const deadline end = limits.total < 0 ? never : after(blocking_now(), limits.total);
  const bool may_wait = limits.block != 0 && limits.total != 0;
  deadline until = end;
  bool pausing = false;
  for (;;) {
    on.ready().assume_ready(operation.which());
    if (operation.attempt()) return;
    // A short read tells a loop that nothing is left, for what comes later is announced; here it has to be asked for.
    if (!may_wait && operation.got_part()) continue;
    if (!pausing && limits.block >= 0) until = std::min(end, after(blocking_now(), limits.block));
    const auto time = operation.next_pause();
    pausing = time > std::chrono::nanoseconds::zero();  // many pauses are one wait
    if (may_wait && (pausing ? pause(time, until) : wait_for(on.fd(), operation.which(), until))) continue;
    operation.give_up(errc::timed_out);
    return;
  }
}

}  // namespace copas::lua
