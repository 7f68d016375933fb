// The UDP echo server written by hand on epoll: the floor. It reads and answers until the socket is empty.
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstdio>

#include "load/connect.hpp"
#include "load/descriptor.hpp"

namespace {

void answer_all(int socket) {
  std::array<char, 2048> space;
  for (;;) {
    sockaddr_in sender{};
    socklen_t length = sizeof sender;
    auto* const address = reinterpret_cast<sockaddr*>(&sender);
    const auto size = recvfrom(socket, space.data(), space.size(), 0, address, &length);
    if (size < 0 && errno == EAGAIN) return;
    if (size >= 0) sendto(socket, space.data(), static_cast<std::size_t>(size), 0, address, length);
  }
}

}  // namespace

int main() {
  const load::descriptor socket{
      load::checked(::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), "socket")};
  auto address = load::loopback(1, 0);
  socklen_t length = sizeof address;
  load::checked(bind(socket.number(), reinterpret_cast<const sockaddr*>(&address), length), "bind");
  load::checked(getsockname(socket.number(), reinterpret_cast<sockaddr*>(&address), &length), "getsockname");
  std::printf("listening %u\n", unsigned{ntohs(address.sin_port)});
  std::fflush(stdout);

  const load::descriptor poll{load::checked(epoll_create1(EPOLL_CLOEXEC), "epoll_create1")};
  epoll_event event{.events = EPOLLIN | EPOLLET, .data = {}};
  load::checked(epoll_ctl(poll.number(), EPOLL_CTL_ADD, socket.number(), &event), "epoll_ctl");
  for (;;) {
    if (epoll_wait(poll.number(), &event, 1, -1) == 1) answer_all(socket.number());
  }
}
