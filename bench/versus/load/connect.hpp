#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "load/descriptor.hpp"

// Opening connections is the part that is not measured: the sockets still block, with a time limit.
namespace load {

enum class greeting { wave, each };

/// An address of this machine alone, and a port.
inline sockaddr_in loopback(std::uint32_t last_bytes, std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl((127U << 24) + last_bytes);
  return address;
}

/// Connects to 127.0.0.1:`port`; every call on the socket gives up after five seconds.
///
/// @param from  the last bytes of our own address: one has ports for some 28,000 connections only.
inline descriptor connect_to(std::uint16_t port, std::uint32_t from = 1) {
  descriptor socket{checked(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket")};
  const int on = 1;
  const timeval patience{.tv_sec = 5, .tv_usec = 0};
  const int number = socket.number();
  checked(setsockopt(number, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on), "TCP_NODELAY");
  checked(setsockopt(number, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), "SO_RCVTIMEO");
  checked(setsockopt(number, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience), "SO_SNDTIMEO");
  checked(setsockopt(number, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on), "IP_BIND_ADDRESS_NO_PORT");

  const auto own = loopback(from, 0);
  checked(bind(number, reinterpret_cast<const sockaddr*>(&own), sizeof own), "bind");
  const auto address = loopback(1, port);
  checked(::connect(number, reinterpret_cast<const sockaddr*>(&address), sizeof address), "connect");
  return socket;
}

/// Sends `line` and waits for its echo. Throws when anything else comes.
inline void exchange(const descriptor& socket, std::string_view line) {
  for (auto rest = line; !rest.empty();) {
    const auto sent = ::send(socket.number(), rest.data(), rest.size(), MSG_NOSIGNAL);
    if (sent < 0) throw std::system_error{errno, std::generic_category(), "send"};
    rest.remove_prefix(static_cast<std::size_t>(sent));
  }
  std::string echo(line.size(), '\0');
  const auto received = ::recv(socket.number(), echo.data(), echo.size(), MSG_WAITALL);
  if (received < 0) throw std::system_error{errno, std::generic_category(), "recv"};
  if (static_cast<std::size_t>(received) != echo.size() || echo != line) {
    throw std::runtime_error{"the server did not echo the line"};
  }
}

/// Opens `count` connections in waves that fit any backlog: the last of a wave exchanges a line, and servers
/// accept in order, so its echo tells that the whole wave was accepted. With `greeting::each` all of them do.
inline std::vector<descriptor> open_connections(std::uint16_t port, std::size_t count, std::string_view line,
                                                greeting who) {
  constexpr std::size_t wave = 32;
  constexpr std::size_t for_each_address = 20'000;
  std::vector<descriptor> sockets;
  sockets.reserve(count);
  while (sockets.size() < count) {
    const auto& socket =
        sockets.emplace_back(connect_to(port, 1 + static_cast<std::uint32_t>(sockets.size() / for_each_address)));
    const bool ends_wave = sockets.size() % wave == 0 || sockets.size() == count;
    if (ends_wave || who == greeting::each) exchange(socket, line);
  }
  return sockets;
}

inline void make_nonblocking(const descriptor& socket) {
  checked(fcntl(socket.number(), F_SETFL, O_NONBLOCK), "O_NONBLOCK");
}

}  // namespace load
