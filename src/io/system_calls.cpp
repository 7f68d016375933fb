#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "copas/core/result.hpp"
#include "copas/io/system_reactor.hpp"

namespace copas::system_calls {
namespace {

std::error_code last_error() noexcept {
  return errno == EAGAIN ? std::make_error_code(std::errc::operation_would_block) : system_error(errno);
}

}  // namespace

moved receive(int fd, std::span<std::byte> into) noexcept {
  for (;;) {
    const ssize_t count = ::recv(fd, into.data(), into.size(), 0);
    if (count > 0) {
      const auto bytes = static_cast<std::size_t>(count);
      return {.bytes = bytes, .error = no_error, .end = false, .drained = bytes < into.size()};
    }
    if (count == 0) return {.bytes = 0, .error = no_error, .end = true, .drained = false};
    if (errno != EINTR) return {.bytes = 0, .error = last_error(), .end = false, .drained = errno == EAGAIN};
  }
}

moved send(int fd, std::span<const std::byte> from) noexcept {
  for (;;) {
    const ssize_t count = ::send(fd, from.data(), from.size(), MSG_NOSIGNAL);
    if (count >= 0) {
      const auto bytes = static_cast<std::size_t>(count);
      return {.bytes = bytes, .error = no_error, .end = false, .drained = bytes < from.size()};
    }
    if (errno != EINTR) return {.bytes = 0, .error = last_error(), .end = false, .drained = errno == EAGAIN};
  }
}

// A datagram that was received says nothing about the next one, so only a call that finds nothing drains the source.
moved receive_datagram(int fd, std::span<std::byte> into, socket_address* sender) noexcept {
  auto* const from = sender != nullptr ? reinterpret_cast<sockaddr*>(sender->storage) : nullptr;
  for (;;) {
    socklen_t length = socket_address::capacity;
    const ssize_t count =
        ::recvfrom(fd, into.data(), into.size(), MSG_TRUNC, from, from != nullptr ? &length : nullptr);
    if (count >= 0) {
      const auto whole = static_cast<std::size_t>(count);
      if (sender != nullptr) sender->size = std::min<std::size_t>(length, socket_address::capacity);
      return {.bytes = std::min(whole, into.size()),
              .error = no_error,
              .end = false,
              .drained = false,
              .truncated = whole > into.size()};
    }
    if (errno != EINTR) return {.bytes = 0, .error = last_error(), .end = false, .drained = errno == EAGAIN};
  }
}

moved send_datagram(int fd, std::span<const std::byte> datagram, std::span<const std::byte> to) noexcept {
  const auto* const where = to.empty() ? nullptr : reinterpret_cast<const sockaddr*>(to.data());
  for (;;) {
    const ssize_t count =
        ::sendto(fd, datagram.data(), datagram.size(), MSG_NOSIGNAL, where, static_cast<socklen_t>(to.size()));
    if (count >= 0)
      return {.bytes = static_cast<std::size_t>(count), .error = no_error, .end = false, .drained = false};
    if (errno != EINTR) return {.bytes = 0, .error = last_error(), .end = false, .drained = errno == EAGAIN};
  }
}

accepted accept(int fd) noexcept {
  for (;;) {
    const int connection = ::accept4(fd, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (connection >= 0) return {.fd = connection, .error = no_error};
    if (errno != EINTR) return {.fd = -1, .error = last_error()};
  }
}

}  // namespace copas::system_calls
