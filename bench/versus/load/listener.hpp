#pragma once

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdio>

#include "load/connect.hpp"
#include "load/descriptor.hpp"

// What servers written by hand share.
namespace load {

/// Listens at 127.0.0.1 and tells the port.
inline descriptor listen_and_tell() {
  descriptor socket{checked(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), "socket")};
  auto address = loopback(1, 0);
  socklen_t length = sizeof address;
  checked(bind(socket.number(), reinterpret_cast<const sockaddr*>(&address), length), "bind");
  checked(listen(socket.number(), SOMAXCONN), "listen");
  checked(getsockname(socket.number(), reinterpret_cast<sockaddr*>(&address), &length), "getsockname");
  std::printf("listening %u\n", unsigned{ntohs(address.sin_port)});
  std::fflush(stdout);
  return socket;
}

/// The next connection that waits to be accepted, with TCP_NODELAY; none if its number is negative.
inline descriptor accept_next(const descriptor& listener) {
  for (;;) {
    const int accepted = accept4(listener.number(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (accepted < 0 && errno == EAGAIN) return {};
    if (accepted < 0 && (errno == EINTR || errno == ECONNABORTED)) continue;
    descriptor connected{checked(accepted, "accept4")};
    const int on = 1;
    checked(setsockopt(accepted, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on), "TCP_NODELAY");
    return connected;
  }
}

inline void watch(const descriptor& poll, int operation, int socket, std::uint32_t interest, void* whose) {
  epoll_event event{.events = interest, .data = {.ptr = whose}};
  checked(epoll_ctl(poll.number(), operation, socket, &event), "epoll_ctl");
}

}  // namespace load
