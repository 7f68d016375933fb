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

#include "load/connection.hpp"
#include "load/descriptor.hpp"

// Opening connections is the part that is not measured: the sockets still block, with a time limit.
namespace load {

enum class greeting { wave, each };
enum class protocol { tcp, udp };

/// Whom to connect to, at 127.0.0.1, and how.
struct target {
  std::uint16_t port = 0;
  protocol by = protocol::tcp;
  SSL_CTX* tls = nullptr;  // encrypted if there is one
};

/// An address of this machine alone, and a port.
inline sockaddr_in loopback(std::uint32_t last_bytes, std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl((127U << 24) + last_bytes);
  return address;
}

/// Connects; every call on the socket gives up after ten seconds.
///
/// @param from  the last bytes of our own address: one has ports for some 28,000 connections only.
inline connection connect_to(const target& server, std::uint32_t from = 1) {
  const bool stream = server.by == protocol::tcp;
  descriptor socket{checked(::socket(AF_INET, (stream ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC, 0), "socket")};
  const int on = 1;
  const timeval patience{.tv_sec = 10, .tv_usec = 0};
  const int number = socket.number();
  if (stream) checked(setsockopt(number, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on), "TCP_NODELAY");
  checked(setsockopt(number, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), "SO_RCVTIMEO");
  checked(setsockopt(number, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience), "SO_SNDTIMEO");
  checked(setsockopt(number, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on), "IP_BIND_ADDRESS_NO_PORT");

  const auto own = loopback(from, 0);
  checked(bind(number, reinterpret_cast<const sockaddr*>(&own), sizeof own), "bind");
  const auto address = loopback(1, server.port);
  checked(::connect(number, reinterpret_cast<const sockaddr*>(&address), sizeof address), "connect");
  connection made{std::move(socket)};
  if (server.tls != nullptr) made.encrypt(*server.tls);
  return made;
}

/// Sends all of `text` on a connection that blocks.
inline void send_all(connection& to, std::string_view text) {
  while (!text.empty()) {
    const auto sent = to.send(text);
    if (sent < 0) throw std::system_error{errno, std::generic_category(), "send"};
    text.remove_prefix(static_cast<std::size_t>(sent));
  }
}

/// Sends `line` and waits for its echo. Throws when anything else comes.
inline void exchange(connection& with, std::string_view line) {
  send_all(with, line);
  std::string echo(line.size(), '\0');
  for (std::size_t received = 0; received < echo.size();) {
    const auto count = with.receive(echo.data() + received, echo.size() - received);
    if (count < 0) throw std::system_error{errno, std::generic_category(), "recv"};
    if (count == 0) break;
    received += static_cast<std::size_t>(count);
  }
  if (echo != line) throw std::runtime_error{"the server did not echo the line"};
}

/// Opens `count` connections in waves that fit any backlog: the last of a wave exchanges a line, and servers
/// accept in order, so its echo tells that the whole wave was accepted. With `greeting::each` all of them do, and
/// all that are encrypted, for the sake of their handshakes.
inline std::vector<connection> open_connections(const target& server, std::size_t count, std::string_view line,
                                                greeting who) {
  constexpr std::size_t wave = 32;
  constexpr std::size_t for_each_address = 10'000;  // where half of its 28,000 ports are taken, finding one takes long
  std::vector<connection> opened;
  opened.reserve(count);
  while (opened.size() < count) {
    const auto address = 1 + static_cast<std::uint32_t>(opened.size() / for_each_address);
    auto& last = opened.emplace_back(connect_to(server, address));
    const bool ends_wave = opened.size() % wave == 0 || opened.size() == count;
    if (ends_wave || who == greeting::each || server.tls != nullptr) exchange(last, line);
  }
  return opened;
}

inline void make_nonblocking(const connection& socket) {
  checked(fcntl(socket.number(), F_SETFL, O_NONBLOCK), "O_NONBLOCK");
}

}  // namespace load
