// What looks names up for a loop without being told how: by c-ares.
#include <netdb.h>
#include <sys/socket.h>

#include <utility>

#include "copas/net/connect_to_host.hpp"
#include "copas/net/resolver.hpp"
#include "copas/net/tcp.hpp"
#include "copas/net/udp.hpp"

namespace copas {
namespace {

// The addresses to bind to that need no question.
result<std::vector<address>> places(loop& home, const std::string& host, std::uint16_t port, transport by) {
  auto known = resolver::of(home).known(
      {host.empty() ? "*" : host, std::to_string(port), family::unspecified, address_use::listening, by});
  if (!known) return std::unexpected{std::error_code{EAI_AGAIN, resolver_category()}};
  return *std::move(known);
}

// What `make` makes at the first of these addresses where it can.
template <class T, class Make>
result<T> first_of(const result<std::vector<address>>& candidates, Make make) {
  if (!candidates) return std::unexpected{candidates.error()};
  result<T> made = std::unexpected{std::error_code{}};
  for (const address& each : *candidates) {
    made = make(each);
    if (made) break;
  }
  return made;
}

}  // namespace

resolver& resolver::of(loop& home) {
  resolver* const known = find(home);
  return known != nullptr ? *known : install(home, {}, &dns::cares_engine());
}

task<result<tcp_stream>> connect(loop& home, std::string host, std::uint16_t port, deadline until) {
  const ref socket{new stream{}};
  connect_to_host operation{resolver::of(home), socket, {std::move(host), std::to_string(port)}};
  operation.set_deadline(until);
  if (const std::error_code error = co_await operation) {
    socket->close();
    co_return std::unexpected{error};
  }
  co_return tcp_stream{home, socket};
}

result<tcp_listener> tcp_listener::bind(loop& home, const std::string& host, std::uint16_t port, listen_options how) {
  return first_of<tcp_listener>(places(home, host, port, transport::stream),
                                [&](const address& at) { return bind(home, at, how); });
}

result<udp_socket> udp_socket::bind(loop& home, const std::string& host, std::uint16_t port, sharing_options how) {
  return first_of<udp_socket>(places(home, host, port, transport::datagrams),
                              [&](const address& at) { return bind(home, at, how); });
}

task<result<udp_socket>> udp_socket::connect(loop& home, std::string host, std::uint16_t port, deadline until) {
  auto lookup = resolver::of(home).look_up(
      {std::move(host), std::to_string(port), family::unspecified, address_use::connecting, transport::datagrams},
      until);
  const auto found = co_await lookup;
  co_return first_of<udp_socket>(found, [&](const address& at) { return connect(home, at); });
}

}  // namespace copas
