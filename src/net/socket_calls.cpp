#include "net/socket_calls.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "copas/net/options.hpp"

namespace copas::socket_calls {
namespace {

std::error_code checked(int outcome) noexcept { return outcome == 0 ? std::error_code{} : system_error(errno); }

const sockaddr* raw(std::span<const std::byte> address) noexcept {
  return reinterpret_cast<const sockaddr*>(address.data());
}

template <class Call>
result<socket_address> ask_for_address(int fd, Call call) noexcept {
  socket_address found;
  socklen_t length = socket_address::capacity;
  if (call(fd, reinterpret_cast<sockaddr*>(found.storage), &length) != 0) return std::unexpected{system_error(errno)};
  found.size = std::min<std::size_t>(length, socket_address::capacity);
  return found;
}

}  // namespace

result<unique_fd> open(int domain, int type, loop* helper) noexcept {
  for (bool helped = false;; helped = true) {
    unique_fd fd{::socket(domain, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
    if (fd) return fd;
    const std::error_code error = system_error(errno);
    if (helped || helper == nullptr || !is_descriptor_shortage(error) || !helper->free_descriptors()) {
      return std::unexpected{error};
    }
  }
}

result<unique_fd> open_inet(family which, int type, loop* helper) noexcept {
  auto fd = open(which == family::inet6 ? AF_INET6 : AF_INET, type, helper);
  if (!fd || which != family::inet6) return fd;
  if (const std::error_code error = set_option(fd->get(), option::only_ipv6, true)) return std::unexpected{error};
  return fd;
}

std::error_code bind(int fd, std::span<const std::byte> local) noexcept {
  return checked(::bind(fd, raw(local), static_cast<socklen_t>(local.size())));
}

std::error_code connect(int fd, std::span<const std::byte> peer) noexcept {
  return checked(::connect(fd, raw(peer), static_cast<socklen_t>(peer.size())));
}

result<socket_address> local_address(int fd) noexcept { return ask_for_address(fd, ::getsockname); }
result<socket_address> peer_address(int fd) noexcept { return ask_for_address(fd, ::getpeername); }

}  // namespace copas::socket_calls
