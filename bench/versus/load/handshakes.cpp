// Makes TLS 1.3 handshakes, one after the other on each of some connections at a time, full ones or resumed ones. One
// counts when the server's session ticket has come: then the server is done with it, too.
#include <openssl/ssl.h>
#include <sys/epoll.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <deque>
#include <exception>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string_view>

#include "load/connect.hpp"
#include "load/connection.hpp"
#include "load/descriptor.hpp"
#include "load/options.hpp"
#include "load/process.hpp"

namespace {

using clock = std::chrono::steady_clock;

struct free_session {
  void operator()(SSL_SESSION* of) const noexcept { SSL_SESSION_free(of); }
};

struct client {
  std::optional<load::connection> socket;
  std::unique_ptr<SSL_SESSION, free_session> session;
  bool got_ticket = false;
  bool offered = false;  // a session to be resumed
};

// OpenSSL calls this with each ticket, and leaves the session to us.
int keep_ticket(SSL* of, SSL_SESSION* session) {
  auto* const whose = static_cast<client*>(SSL_get_app_data(of));
  whose->session.reset(session);
  whose->got_ticket = true;
  return 1;
}

class handshakes {
 public:
  explicit handshakes(const load::options& chosen) : resumed_{chosen.resumed}, context_{load::make_client_context()} {
    SSL_CTX_set_session_cache_mode(context_.get(), SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(context_.get(), keep_ticket);
    target_ = {chosen.port, load::protocol::tcp, context_.get()};
    clients_.resize(chosen.connections);
    for (auto& each : clients_) begin(each);
  }

  /// Goes on until the time has come and at least one is finished.
  /// @return  how many were finished.
  std::uint64_t run(clock::time_point until) {
    done_ = 0;
    std::array<epoll_event, 64> events;
    while (done_ == 0 || clock::now() < until) {
      const int count = epoll_wait(poll_.number(), events.data(), static_cast<int>(events.size()), 10'000);
      if (count == 0) throw std::runtime_error{"the server has stopped"};
      for (const auto& event : std::span{events}.first(static_cast<std::size_t>(count < 0 ? 0 : count))) {
        go_on(*static_cast<client*>(event.data.ptr));
      }
    }
    return done_;
  }

 private:
  void begin(client& which) {
    address_ = address_ % 16 + 1;  // ports of connections that have just been closed are not to be had again at once
    which.socket.emplace(load::connect_to(target_, address_));
    which.got_ticket = false;
    SSL* const tls = which.socket->tls();
    SSL_set_app_data(tls, &which);
    which.offered = resumed_ && which.session && SSL_set_session(tls, which.session.get()) == 1;
    load::make_nonblocking(*which.socket);
    epoll_event interest{.events = EPOLLIN, .data = {.ptr = &which}};
    load::checked(epoll_ctl(poll_.number(), EPOLL_CTL_ADD, which.socket->number(), &interest), "epoll_ctl");
    go_on(which);
  }

  // Reading shakes hands first, and takes tickets, which are no data.
  void go_on(client& which) {
    char data = 0;
    const auto count = which.socket->receive(&data, 1);
    if (count >= 0 || errno != EAGAIN) throw std::runtime_error{"the server has ended a handshake"};
    if (which.got_ticket) finish(which);
  }

  void finish(client& which) {
    SSL* const tls = which.socket->tls();
    if (which.offered && SSL_session_reused(tls) != 1) throw std::runtime_error{"the session was not resumed"};
    ++done_;
    SSL_shutdown(tls);
    which.socket->close();
    begin_again_.push_back(&which);
    if (begin_again_.size() == 1) begin_all();
  }

  // Not by recursion: a handshake may be over before `begin` returns.
  void begin_all() {
    while (!begin_again_.empty()) {
      begin(*begin_again_.front());
      begin_again_.pop_front();
    }
  }

  bool resumed_;
  load::tls_context context_;
  load::target target_;
  load::descriptor poll_{load::checked(epoll_create1(EPOLL_CLOEXEC), "epoll_create1")};
  std::deque<client> clients_;
  std::deque<client*> begin_again_;
  std::uint64_t done_ = 0;
  std::uint32_t address_ = 0;
};

clock::duration in_clock(double seconds) {
  return std::chrono::duration_cast<clock::duration>(std::chrono::duration<double>{seconds});
}

void measure(const load::options& chosen) {
  const load::process server{chosen.pid};
  handshakes all{chosen};
  all.run(clock::now() + in_clock(chosen.warmup));

  const auto cpu_before = server.cpu_time();
  const auto began = clock::now();
  const auto count = static_cast<double>(all.run(began + in_clock(chosen.seconds)));
  const std::chrono::duration<double> window = clock::now() - began;
  const std::chrono::duration<double, std::micro> cpu = server.cpu_time() - cpu_before;
  std::printf(R"({"handshakes_per_s": %.1f, "server_cpu_us_per_handshake": %.3f, "handshakes": %.0f})",
              count / window.count(), cpu.count() / count, count);
  std::printf("\n");
}

}  // namespace

int main(int count, char** arguments) {
  std::signal(SIGPIPE, SIG_IGN);
  try {
    measure(load::parse(std::span{arguments, static_cast<std::size_t>(count)}.subspan(1)));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "load-handshakes: %s\n", error.what());
    return 1;
  }
}
