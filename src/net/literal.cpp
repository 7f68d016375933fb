#include "net/literal.hpp"

#include <netdb.h>
#include <sys/socket.h>

#include <cerrno>
#include <memory>

namespace copas {
namespace {

using found_addresses = std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)>;

// getaddrinfo(3), which asks nobody as long as the host is no name.
result<found_addresses> parse(const char* host, const std::string& service, family wanted, transport by, int flags) {
  addrinfo hints{};
  hints.ai_socktype = by == transport::datagrams ? SOCK_DGRAM : SOCK_STREAM;
  hints.ai_family = wanted == family::inet4 ? AF_INET : wanted == family::inet6 ? AF_INET6 : AF_UNSPEC;
  hints.ai_flags = AI_NUMERICHOST | flags;

  addrinfo* found = nullptr;
  const int failed = ::getaddrinfo(host, service.c_str(), &hints, &found);
  if (failed == EAI_SYSTEM) return std::unexpected{system_error(errno)};
  if (failed != 0) return std::unexpected{std::error_code{failed, resolver_category()}};
  return found_addresses{found, &::freeaddrinfo};
}

}  // namespace

std::optional<result<std::vector<address>>> parse_literal(const lookup_request& what) {
  const bool listening = what.use == address_use::listening;
  const bool any = listening && what.host == "*";
  const std::string host = any ? (what.wanted == family::inet6 ? "::" : "0.0.0.0") : what.host;
  const auto found =
      parse(host.empty() ? nullptr : host.c_str(), what.service, what.wanted, what.by, listening ? AI_PASSIVE : 0);
  if (!found) {
    const bool name = found.error() == std::error_code{EAI_NONAME, resolver_category()};
    return name ? std::nullopt : std::optional<result<std::vector<address>>>{std::unexpected{found.error()}};
  }
  std::vector<address> addresses;
  for (const addrinfo* each = found->get(); each != nullptr; each = each->ai_next) {
    addresses.emplace_back(each->ai_addr, each->ai_addrlen);
  }
  return addresses;
}

result<std::uint16_t> port_of(const std::string& service, transport by) {
  const auto found = parse("127.0.0.1", service, family::inet4, by, 0);
  if (!found) return std::unexpected{found.error()};
  return address{(*found)->ai_addr, (*found)->ai_addrlen}.port();
}

}  // namespace copas
