#include "support/datagram_peer.hpp"

#include <array>

#include "support/raw_socket.hpp"

namespace copas::testing {

datagram_peer::datagram_peer(const std::string& host) : host_{host} {
  any_address local{host, 0};
  fd_ = unique_fd{::socket(local.storage.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  check(static_cast<bool>(fd_), "socket");
  check(::bind(fd_.get(), local.raw(), local.length) == 0, "bind");
  limit_patience(fd_.get());
}

std::uint16_t datagram_peer::port() const { return port_of(fd_.get()); }

void datagram_peer::send_to(std::uint16_t port, std::string_view bytes) {
  any_address to{host_, port};
  const ssize_t sent = ::sendto(fd_.get(), bytes.data(), bytes.size(), 0, to.raw(), to.length);
  check(sent == static_cast<ssize_t>(bytes.size()), "sendto");
}

std::string datagram_peer::receive(std::uint16_t* sender) {
  std::array<char, 65536> space;
  any_address from;
  const ssize_t got = ::recvfrom(fd_.get(), space.data(), space.size(), 0, from.raw(), &from.length);
  check(got >= 0, "recvfrom");
  if (sender != nullptr) *sender = from.port();
  return {space.data(), static_cast<std::size_t>(got)};
}

}  // namespace copas::testing
