#include "copas/io/signals.hpp"

#include <csignal>

#include <array>
#include <atomic>
#include <cerrno>

namespace copas {
namespace {

constexpr std::array handled{SIGINT, SIGTERM};

std::atomic<loop*> target = nullptr;  // a handler has no other way to know
static_assert(std::atomic<loop*>::is_always_lock_free);

void set_all(void (*handler)(int)) noexcept {
  struct sigaction action{};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;
  for (const int signal : handled) ::sigaction(signal, &action, nullptr);
}

void handle(int) {
  const int interrupted = errno;
  set_all(SIG_DFL);
  if (loop* const stopped = target.load()) stopped->stop();
  errno = interrupted;
}

}  // namespace

stop_signals::stop_signals(loop& stopped) noexcept {
  target = &stopped;
  set_all(&handle);
}

stop_signals::~stop_signals() {
  set_all(SIG_DFL);
  target = nullptr;
}

}  // namespace copas
