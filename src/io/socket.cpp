#include "copas/io/socket.hpp"

#include <unistd.h>

#include <array>
#include <new>
#include <utility>

#include "copas/core/loop.hpp"
#include "copas/io/stream_handle.hpp"

namespace copas {
namespace {

task<void> part(unique_fd connection, farewell last) {
  stream_handle peer{*last.home, std::move(connection)};
  if (!last.bytes.empty() && !co_await peer.send(last.bytes, last.until)) co_return;
  if (!last.hears_out) co_return;
  peer.shutdown_send();
  std::array<std::byte, 1024> unread{};
  while (co_await peer.receive(unread, last.until)) continue;
}

void close_after(farewell last, unique_fd closing) noexcept {
  try {
    loop& home = *last.home;
    home.spawn(part(std::move(closing), std::move(last)), "closing");
  } catch (const std::bad_alloc&) {
    return;  // the peer sees an early end
  }
}

}  // namespace

void unique_fd::reset() noexcept {
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

void socket::close() noexcept {
  if (!open()) return readiness_.forget();  // who is about to give it a descriptor hears of it
  farewell last = take_leave();
  loop* const home = readiness_.home();
  unique_fd closing{release()};
  if (last.home != nullptr) return close_after(std::move(last), std::move(closing));
  closing.reset();
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
