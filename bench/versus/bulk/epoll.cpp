// Sends or receives a lot on one connection at a time, by hand on epoll, plain or on OpenSSL: the floor. Moves 64 KiB
// with each call, and waits only when the kernel has no room, or nothing.
//   bulk-epoll 0 send|receive BYTES [CERTIFICATE KEY]
#include <sys/epoll.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <string>
#include <string_view>
#include <utility>

#include "load/connection.hpp"
#include "load/descriptor.hpp"
#include "load/listener.hpp"

namespace {

constexpr std::size_t block = std::size_t{64} * 1024;

class waiting_connection {
 public:
  waiting_connection(load::descriptor accepted, SSL_CTX* tls) : socket_{std::move(accepted)} {
    if (tls != nullptr) socket_.encrypt(*tls);
    load::watch(poll_, EPOLL_CTL_ADD, socket_.number(), EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, nullptr);
  }

  /// How many bytes have come; 0 at the end.
  std::size_t receive(std::string& into) {
    return waited([&] { return socket_.receive(into.data(), into.size()); });
  }
  void send(std::string_view text) {
    while (!text.empty()) {
      const auto count = waited([&] { return socket_.send(text); });
      if (count == 0) return;
      text.remove_prefix(count);
    }
  }

 private:
  template <class Call>
  std::size_t waited(Call call) {
    for (;;) {
      const auto count = call();
      if (count >= 0) return static_cast<std::size_t>(count);
      if (errno != EAGAIN) return 0;
      epoll_event event{};
      epoll_wait(poll_.number(), &event, 1, -1);
    }
  }

  load::connection socket_;
  load::descriptor poll_{load::checked(epoll_create1(EPOLL_CLOEXEC), "epoll_create1")};
};

void send_bytes(waiting_connection& to, std::uint64_t left) {
  std::string text(block, 'x');
  for (std::string request; request.find("\r\n\r\n") == std::string::npos;) {
    const auto count = to.receive(text);
    if (count == 0) return;
    request.append(text, 0, count);
  }
  text.assign(block, 'x');
  while (left > 0) {
    const auto size = std::min<std::uint64_t>(left, block);
    to.send(std::string_view{text}.substr(0, size));
    left -= size;
  }
}

void receive_bytes(waiting_connection& from, std::uint64_t left) {
  std::string text(block, '\0');
  while (left > 0) {
    const auto count = from.receive(text);
    if (count == 0) return;
    left -= count;
  }
  from.send("done\n");
}

void serve_forever(bool sends, std::uint64_t bytes, SSL_CTX* tls) {
  const auto listener = load::listen_and_tell();
  const load::descriptor poll{load::checked(epoll_create1(EPOLL_CLOEXEC), "epoll_create1")};
  load::watch(poll, EPOLL_CTL_ADD, listener.number(), EPOLLIN, nullptr);
  for (epoll_event event{}; epoll_wait(poll.number(), &event, 1, -1) >= 0 || errno == EINTR;) {
    auto accepted = load::accept_next(listener);
    if (accepted.number() < 0) continue;
    waiting_connection client{std::move(accepted), tls};
    if (sends) {
      send_bytes(client, bytes);
    } else {
      receive_bytes(client, bytes);
    }
  }
}

}  // namespace

int main(int count, char** arguments) {
  std::signal(SIGPIPE, SIG_IGN);
  if (count < 4) return 2;
  const std::string_view number = arguments[3];
  std::uint64_t bytes = 0;
  std::from_chars(number.data(), number.data() + number.size(), bytes);
  try {
    const auto tls = count > 5 ? load::make_server_context(arguments[4], arguments[5]) : load::tls_context{};
    serve_forever(std::string_view{arguments[2]} == "send", bytes, tls.get());
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bulk-epoll: %s\n", error.what());
    return 1;
  }
}
