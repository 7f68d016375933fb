#include "copas/net/udp.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <utility>

#include "copas/net/options.hpp"
#include "net/socket_calls.hpp"

namespace copas {
namespace {

// A socket of the family of an address with which `prepare` succeeds.
template <class Preparation>
result<udp_socket> open_for(loop& home, const address& which, Preparation prepare) {
  auto fd = open_udp(which.family(), &home);
  if (!fd) return std::unexpected{fd.error()};
  if (const std::error_code error = prepare(fd->get(), which)) return std::unexpected{error};
  return udp_socket{home, std::move(*fd)};
}

std::error_code share_port(int fd, const sharing_options& how) noexcept {
  std::error_code error;
  if (how.reuse_address) error = set_option(fd, option::reuse_address, true);
  if (!error && how.reuse_port) error = set_option(fd, option::reuse_port, true);
  return error;
}

// MCAST_JOIN_GROUP and MCAST_LEAVE_GROUP serve both families.
result<void> change_group(int fd, int change, const address& group, unsigned interface_index) noexcept {
  group_req wanted{};
  wanted.gr_interface = interface_index;
  std::ranges::copy(group.bytes(), reinterpret_cast<std::byte*>(&wanted.gr_group));
  const int level = group.family() == family::inet6 ? IPPROTO_IPV6 : IPPROTO_IP;
  return as_result(set_option(fd, socket_option<group_req>{level, change}, wanted));
}

}  // namespace

result<unique_fd> open_udp(family which, loop* helper) noexcept {
  return socket_calls::open_inet(which, SOCK_DGRAM, helper);
}

std::error_code set_peer(int fd, const address& peer) noexcept { return socket_calls::connect(fd, peer.bytes()); }

std::error_code clear_peer(int fd) noexcept {
  const sockaddr none{.sa_family = AF_UNSPEC, .sa_data = {}};
  return socket_calls::connect(fd, std::as_bytes(std::span{&none, 1}));
}

result<udp_socket> udp_socket::open(loop& home, copas::family which) {
  auto fd = open_udp(which, &home);
  if (!fd) return std::unexpected{fd.error()};
  return udp_socket{home, std::move(*fd)};
}

result<udp_socket> udp_socket::bind(loop& home, const address& at, sharing_options how) {
  return open_for(home, at, [&](int fd, const address& local) {
    const std::error_code error = share_port(fd, how);
    return error ? error : bind_to(fd, local);
  });
}

result<udp_socket> udp_socket::connect(loop& home, const address& to) { return open_for(home, to, set_peer); }

result<void> udp_socket::join_group(const address& group, unsigned interface_index) noexcept {
  return change_group(fd(), MCAST_JOIN_GROUP, group, interface_index);
}

result<void> udp_socket::leave_group(const address& group, unsigned interface_index) noexcept {
  return change_group(fd(), MCAST_LEAVE_GROUP, group, interface_index);
}

}  // namespace copas
