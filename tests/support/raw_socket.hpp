#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <cerrno>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <system_error>

namespace copas::testing {

/// What the blocking sockets of tests are made of.

inline constexpr int patience = 10;  // seconds

/// A numeric address of IPv4 or IPv6.
struct any_address {
  sockaddr_storage storage{};
  socklen_t length = sizeof(sockaddr_storage);

  any_address() = default;
  any_address(const std::string& host, std::uint16_t port) {
    auto& v4 = reinterpret_cast<sockaddr_in&>(storage);
    auto& v6 = reinterpret_cast<sockaddr_in6&>(storage);
    if (::inet_pton(AF_INET, host.c_str(), &v4.sin_addr) == 1) {
      v4.sin_family = AF_INET;
      v4.sin_port = htons(port);
      length = sizeof v4;
    } else if (::inet_pton(AF_INET6, host.c_str(), &v6.sin6_addr) == 1) {
      v6.sin6_family = AF_INET6;
      v6.sin6_port = htons(port);
      length = sizeof v6;
    } else {
      throw std::invalid_argument{host};
    }
  }

  [[nodiscard]] sockaddr* raw() noexcept { return reinterpret_cast<sockaddr*>(&storage); }
  [[nodiscard]] std::uint16_t port() const noexcept {
    return ntohs(reinterpret_cast<const sockaddr_in&>(storage).sin_port);  // in the same place for IPv6
  }
};

/// Throws what errno says.
inline void check(bool fine, const char* what) {
  if (!fine) throw std::system_error{errno, std::system_category(), what};
}

inline std::uint16_t port_of(int fd) {
  any_address own;
  check(::getsockname(fd, own.raw(), &own.length) == 0, "getsockname");
  return own.port();
}

inline void limit_patience(int fd) {
  const timeval limit{.tv_sec = patience, .tv_usec = 0};
  check(::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) == 0, "setsockopt");
  check(::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) == 0, "setsockopt");
}

}  // namespace copas::testing
