#include "copas/net/udp.hpp"

#include <sys/socket.h>

#include <utility>

#include "net/socket_calls.hpp"

namespace copas {
namespace {

// A socket for the first address of `host` with which `prepare` succeeds.
template <class Preparation>
result<udp_socket> open_for_first(loop& home, const std::string& host, std::uint16_t port, address_use use,
                                  Preparation prepare) {
  const auto candidates = resolve(host, std::to_string(port), family::unspecified, use, transport::datagrams);
  if (!candidates) return std::unexpected{candidates.error()};
  std::error_code error;
  for (const address& each : *candidates) {
    auto fd = open_udp(each.family());
    error = fd ? prepare(fd->get(), each) : fd.error();
    if (!error) return udp_socket{home, std::move(*fd)};
  }
  return std::unexpected{error};
}

}  // namespace

result<unique_fd> open_udp(family which) noexcept { return socket_calls::open_inet(which, SOCK_DGRAM); }

std::error_code set_peer(int fd, const address& peer) noexcept { return socket_calls::connect(fd, peer.bytes()); }

std::error_code clear_peer(int fd) noexcept {
  const sockaddr none{.sa_family = AF_UNSPEC, .sa_data = {}};
  return socket_calls::connect(fd, std::as_bytes(std::span{&none, 1}));
}

result<udp_socket> udp_socket::open(loop& home, copas::family which) {
  auto fd = open_udp(which);
  if (!fd) return std::unexpected{fd.error()};
  return udp_socket{home, std::move(*fd)};
}

result<udp_socket> udp_socket::bind(loop& home, const std::string& host, std::uint16_t port) {
  return open_for_first(home, host.empty() ? "*" : host, port, address_use::listening, bind_to);
}

result<udp_socket> udp_socket::connect(loop& home, const std::string& host, std::uint16_t port) {
  return open_for_first(home, host, port, address_use::connecting, set_peer);
}

}  // namespace copas
