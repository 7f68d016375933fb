#include "copas/net/address.hpp"

#include <arpa/inet.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "net/literal.hpp"
#include "net/socket_calls.hpp"

namespace copas {
namespace {

result<address> as_ip(const result<socket_address>& found) noexcept {
  if (!found) return std::unexpected{found.error()};
  return address{*found};
}

}  // namespace

address::address(const sockaddr* from, std::size_t length) noexcept
    : length_{static_cast<std::uint8_t>(std::min(length, capacity))} {
  std::memcpy(storage_, from, length_);
}

address::address(const socket_address& from) noexcept
    : address{reinterpret_cast<const sockaddr*>(from.storage), from.size} {
  if (family() == family::unspecified) length_ = 0;
}

bool operator==(const address& one, const address& other) noexcept {
  return std::ranges::equal(one.bytes(), other.bytes());
}

const sockaddr* address::data() const noexcept { return reinterpret_cast<const sockaddr*>(storage_); }

family address::family() const noexcept {
  if (length_ == 0) return family::unspecified;
  switch (data()->sa_family) {
    case AF_INET: return family::inet4;
    case AF_INET6: return family::inet6;
    default: return family::unspecified;
  }
}

std::string address::host() const {
  std::array<char, NI_MAXHOST> text{};
  const int failed = ::getnameinfo(data(), length_, text.data(), text.size(), nullptr, 0, NI_NUMERICHOST);
  return failed != 0 ? std::string{} : std::string{text.data()};
}

std::uint16_t address::port() const noexcept {
  switch (family()) {
    case family::inet4: return ntohs(reinterpret_cast<const sockaddr_in*>(storage_)->sin_port);
    case family::inet6: return ntohs(reinterpret_cast<const sockaddr_in6*>(storage_)->sin6_port);
    case family::unspecified: break;
  }
  return 0;
}

void address::set_port(std::uint16_t port) noexcept {
  switch (family()) {
    case family::inet4: reinterpret_cast<sockaddr_in*>(storage_)->sin_port = htons(port); return;
    case family::inet6: reinterpret_cast<sockaddr_in6*>(storage_)->sin6_port = htons(port); return;
    case family::unspecified: return;
  }
}

result<address> address::parse(const std::string& host, std::uint16_t port) {
  const auto found = parse_literal({host, std::to_string(port)});
  if (host.empty() || !found) return std::unexpected{std::error_code{EAI_NONAME, resolver_category()}};
  if (!*found) return std::unexpected{found->error()};
  return (*found)->front();
}

std::error_code bind_to(int fd, const address& local) noexcept { return socket_calls::bind(fd, local.bytes()); }
result<address> local_address(int fd) noexcept { return as_ip(socket_calls::local_address(fd)); }
result<address> peer_address(int fd) noexcept { return as_ip(socket_calls::peer_address(fd)); }

const std::error_category& resolver_category() noexcept {
  static const class final : public std::error_category {
    const char* name() const noexcept override { return "resolver"; }
    std::string message(int code) const override { return ::gai_strerror(code); }
  } category;
  return category;
}

}  // namespace copas
