// The line echo server written by hand on epoll and OpenSSL: the floor for encrypted lines. Sockets are
// level-triggered, so a read is never tried in vain: a line costs its share of an epoll_wait, one read and one write.
// All complete lines of a record are answered by one record.
#include <sys/epoll.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <exception>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "load/connection.hpp"
#include "load/descriptor.hpp"
#include "load/listener.hpp"

namespace {

struct client {
  load::connection socket;
  std::string partial;  // the beginning of a line
  std::string unsent;  // what the peer did not take yet; nothing is read meanwhile
};

enum class outcome { open, blocked, ended };

outcome send_all(client& to, std::string_view data) {
  while (!data.empty()) {
    const auto count = to.socket.send(data);
    if (count < 0 && errno != EAGAIN) return outcome::ended;
    if (count < 0) break;
    data.remove_prefix(static_cast<std::size_t>(count));
  }
  to.unsent = data;
  return data.empty() ? outcome::open : outcome::blocked;
}

outcome answer(client& to, std::string_view received) {
  std::string joined;
  if (!to.partial.empty()) {
    joined = std::exchange(to.partial, {}).append(received);
    received = joined;
  }
  const auto lf = received.rfind('\n');
  const auto complete = lf == std::string_view::npos ? 0 : lf + 1;
  if (complete < received.size()) to.partial = received.substr(complete);
  return send_all(to, received.substr(0, complete));
}

class server {
 public:
  server(const char* certificate, const char* key) : context_{load::make_server_context(certificate, key)} {
    load::watch(poll_, EPOLL_CTL_ADD, listener_.number(), EPOLLIN, nullptr);
  }

  [[noreturn]] void run() {
    std::array<epoll_event, 256> events;
    for (;;) {
      const int count = epoll_wait(poll_.number(), events.data(), static_cast<int>(events.size()), -1);
      if (count < 0 && errno != EINTR) load::checked(count, "epoll_wait");
      for (const auto& event : std::span{events}.first(static_cast<std::size_t>(count < 0 ? 0 : count))) {
        if (event.data.ptr == nullptr) {
          accept_all();
        } else {
          serve(static_cast<client*>(event.data.ptr));
        }
      }
    }
  }

 private:
  // The clients belong to epoll's table from here; serve() deletes them.
  void accept_all() {
    for (auto accepted = load::accept_next(listener_); accepted.number() >= 0;
         accepted = load::accept_next(listener_)) {
      auto fresh = std::make_unique<client>(client{load::connection{std::move(accepted)}, {}, {}});
      fresh->socket.encrypt(*context_);
      load::watch(poll_, EPOLL_CTL_ADD, fresh->socket.number(), EPOLLIN, fresh.get());
      fresh.release();
    }
  }

  void serve(client* from) {
    const bool was_blocked = !from->unsent.empty();
    auto result = was_blocked ? send_all(*from, std::exchange(from->unsent, {})) : outcome::open;
    if (result == outcome::open) result = read_and_answer(*from);
    if (result == outcome::ended) {
      delete from;
    } else if (was_blocked != (result == outcome::blocked)) {
      const auto interest = result == outcome::blocked ? EPOLLOUT : EPOLLIN;
      load::watch(poll_, EPOLL_CTL_MOD, from->socket.number(), interest, from);
    }
  }

  outcome read_and_answer(client& from) {
    do {
      const auto count = from.socket.receive(buffer_.data(), buffer_.size());
      if (count < 0 && errno == EAGAIN) return outcome::open;
      if (count <= 0) return outcome::ended;
      const auto result = answer(from, {buffer_.data(), static_cast<std::size_t>(count)});
      if (result != outcome::open) return result;
    } while (SSL_has_pending(from.socket.tls()) != 0);
    return outcome::open;
  }

  load::tls_context context_;
  load::descriptor poll_{load::checked(epoll_create1(EPOLL_CLOEXEC), "epoll_create1")};
  load::descriptor listener_ = load::listen_and_tell();
  std::array<char, 16 * 1024> buffer_;
};

}  // namespace

int main(int count, char** arguments) {
  std::signal(SIGPIPE, SIG_IGN);
  if (count < 4) return 2;
  try {
    server{arguments[2], arguments[3]}.run();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "tls-epoll: %s\n", error.what());
    return 1;
  }
}
