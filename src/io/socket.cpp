#include "copas/io/socket.hpp"

#include <unistd.h>

#include "copas/core/loop.hpp"

namespace copas {

void unique_fd::reset() noexcept {
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

void socket::close() noexcept {
  if (!open()) return readiness_.forget();  // who is about to give it a descriptor hears of it
  take_leave();
  loop* const home = readiness_.home();
  const unique_fd closing{release()};
  if (home != nullptr) home->descriptor_freed();
}

int socket::release() noexcept {
  readiness_.forget();
  forget_bytes();
  return fd_.release();
}

void socket::replace(unique_fd fd) noexcept {
  static_cast<void>(release());
  fd_ = std::move(fd);
}

}  // namespace copas
