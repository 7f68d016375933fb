#include "copas/net/address.hpp"

#include <arpa/inet.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>

#include "net/socket_calls.hpp"

namespace copas {
namespace {

using found_addresses = std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)>;

result<found_addresses> look_up(const std::string& host, const std::string& service, family wanted, transport by,
                                int flags) {
  addrinfo hints{};
  hints.ai_socktype = by == transport::datagrams ? SOCK_DGRAM : SOCK_STREAM;
  hints.ai_family = wanted == family::inet4 ? AF_INET : wanted == family::inet6 ? AF_INET6 : AF_UNSPEC;
  hints.ai_flags = flags;

  addrinfo* found = nullptr;
  const int failed = ::getaddrinfo(host.empty() ? nullptr : host.c_str(), service.c_str(), &hints, &found);
  if (failed == EAI_SYSTEM) return std::unexpected{system_error(errno)};
  if (failed != 0) return std::unexpected{std::error_code{failed, resolver_category()}};
  return found_addresses{found, &::freeaddrinfo};
}

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

result<std::vector<address>> resolve(const std::string& host, const std::string& service, family wanted,
                                     address_use use, transport by) {
  const bool listening = use == address_use::listening;
  const bool any = listening && host == "*";
  const std::string node = any ? (wanted == family::inet6 ? "::" : "0.0.0.0") : host;
  const auto found = look_up(node, service, wanted, by, listening ? AI_PASSIVE : 0);
  if (!found) return std::unexpected{found.error()};
  std::vector<address> addresses;
  for (const addrinfo* each = found->get(); each != nullptr; each = each->ai_next) {
    addresses.emplace_back(each->ai_addr, each->ai_addrlen);
  }
  return addresses;
}

result<address> parse_address(const std::string& host, const std::string& service, family wanted) {
  if (host.empty()) return std::unexpected{std::error_code{EAI_NONAME, resolver_category()}};
  const auto found = look_up(host, service, wanted, transport::datagrams, AI_NUMERICHOST | AI_NUMERICSERV);
  if (!found) return std::unexpected{found.error()};
  return address{(*found)->ai_addr, (*found)->ai_addrlen};
}

result<address> address::parse(const std::string& host, std::uint16_t port) {
  return parse_address(host, std::to_string(port), family::unspecified);
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
