#include "copas/net/udp.hpp"

#include <sys/socket.h>

#include <utility>

#include "net/socket_calls.hpp"

namespace copas {
namespace {

// A socket of the family of an address with which `prepare` succeeds.
template <class Preparation>
result<udp_socket> open_for(loop& home, const address& which, Preparation prepare) {
  auto fd = open_udp(which.family());
  if (!fd) return std::unexpected{fd.error()};
  if (const std::error_code error = prepare(fd->get(), which)) return std::unexpected{error};
  return udp_socket{home, std::move(*fd)};
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

result<udp_socket> udp_socket::bind(loop& home, const address& at) {
  return open_for(home, at, [](int fd, const address& local) { return bind_to(fd, local); });
}

result<udp_socket> udp_socket::connect(loop& home, const address& to) { return open_for(home, to, set_peer); }

}  // namespace copas
