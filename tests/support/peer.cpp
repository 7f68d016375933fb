#include "support/peer.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <array>
#include <cerrno>
#include <utility>

#include "support/raw_socket.hpp"

namespace copas::testing {
namespace {

unique_fd open_socket(int family) {
  unique_fd fd{::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  check(static_cast<bool>(fd), "socket");
  return fd;
}

void set_buffer(int fd, int option, int bytes) {
  check(::setsockopt(fd, SOL_SOCKET, option, &bytes, sizeof bytes) == 0, "setsockopt");
}

connected_pair connect_pair(bool narrow) {
  const unique_fd listening = open_socket(AF_INET);
  any_address local{"127.0.0.1", 0};
  check(::bind(listening.get(), local.raw(), local.length) == 0, "bind");
  check(::listen(listening.get(), 1) == 0, "listen");

  unique_fd theirs = open_socket(AF_INET);
  if (narrow) set_buffer(theirs.get(), SO_RCVBUF, 1);
  any_address to{"127.0.0.1", port_of(listening.get())};
  check(::connect(theirs.get(), to.raw(), to.length) == 0, "connect");
  unique_fd ours{::accept4(listening.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)};
  check(static_cast<bool>(ours), "accept4");
  if (narrow) set_buffer(ours.get(), SO_SNDBUF, 1);
  return {.ours = std::move(ours), .theirs = peer{std::move(theirs)}};
}

}  // namespace

peer::peer(unique_fd fd) : fd_{std::move(fd)} {
  const int on = 1;
  limit_patience(fd_.get());
  check(::setsockopt(fd_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0, "setsockopt");
}

peer peer::connect(std::uint16_t port, const std::string& host) {
  any_address to{host, port};
  unique_fd fd = open_socket(to.storage.ss_family);
  check(::connect(fd.get(), to.raw(), to.length) == 0, "connect");
  return peer{std::move(fd)};
}

void peer::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    check(count > 0, "send");
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
}

std::size_t peer::send_some(std::string_view bytes) {
  const ssize_t count = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  check(count >= 0 || errno == EAGAIN, "send");
  return count < 0 ? 0 : static_cast<std::size_t>(count);
}

void peer::send_urgent(char byte) { check(::send(fd_.get(), &byte, 1, MSG_NOSIGNAL | MSG_OOB) == 1, "send"); }

std::string peer::receive(std::size_t count) {
  std::string text;
  std::array<char, 65536> space;
  while (text.size() < count) {
    const ssize_t got = ::recv(fd_.get(), space.data(), std::min(space.size(), count - text.size()), 0);
    check(got >= 0, "recv");
    if (got == 0) break;
    text.append(space.data(), static_cast<std::size_t>(got));
  }
  return text;
}

std::string peer::receive_all() {
  std::string text;
  std::array<char, 65536> space;
  for (;;) {
    const ssize_t got = ::recv(fd_.get(), space.data(), space.size(), 0);
    check(got >= 0 || errno == ECONNRESET, "recv");
    if (got <= 0) return text;
    text.append(space.data(), static_cast<std::size_t>(got));
  }
}

std::string peer::receive_line() {
  std::string text;
  while (text.empty() || text.back() != '\n') {
    const std::string byte = receive(1);
    if (byte.empty()) break;
    text += byte;
  }
  return text;
}

std::string peer::receive_available() {
  std::string text;
  std::array<char, 65536> space;
  for (;;) {
    const ssize_t got = ::recv(fd_.get(), space.data(), space.size(), MSG_DONTWAIT);
    check(got >= 0 || errno == EAGAIN, "recv");
    if (got <= 0) return text;
    text.append(space.data(), static_cast<std::size_t>(got));
  }
}

void peer::shutdown() { check(::shutdown(fd_.get(), SHUT_WR) == 0, "shutdown"); }

void peer::reset() {
  const linger now{.l_onoff = 1, .l_linger = 0};
  check(::setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now) == 0, "setsockopt");
  close();
}

std::uint16_t peer::port() const { return port_of(fd_.get()); }

peer_listener::peer_listener(int backlog, const std::string& host) {
  any_address local{host, 0};
  fd_ = open_socket(local.storage.ss_family);
  check(::bind(fd_.get(), local.raw(), local.length) == 0, "bind");
  check(::listen(fd_.get(), backlog) == 0, "listen");
  port_ = port_of(fd_.get());
}

peer peer_listener::accept() const {
  unique_fd fd{::accept4(fd_.get(), nullptr, nullptr, SOCK_CLOEXEC)};
  check(static_cast<bool>(fd), "accept4");
  return peer{std::move(fd)};
}

connected_pair make_connection() { return connect_pair(false); }

connected_pair make_narrow_connection() { return connect_pair(true); }

std::uint16_t closed_port() {
  const peer_listener briefly;
  return briefly.port();
}

}  // namespace copas::testing
