#pragma once

#include <gmock/gmock.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <chrono>
#include <concepts>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "copas/core/scope.hpp"
#include "copas/tls/error.hpp"
#include "copas/tls/tls_stream.hpp"
#include "support/authority.hpp"
#include "support/outcome.hpp"
#include "support/peer.hpp"
#include "support/reactors.hpp"
#include "support/run.hpp"
#include "support/tls_peer.hpp"

namespace copas::testing {

using namespace std::chrono_literals;

/// A suite with certificates for localhost, and with both ends of connections.
class tls_test : public world_test {
 public:
  static authority& ca() {
    static authority only;
    return only;
  }
  static const tls::key_pair& localhost() {
    static const tls::key_pair only = ca().sign();
    return only;
  }

  static tls::parameters server_parameters(const tls::key_pair& key = localhost()) {
    tls::parameters wanted;
    wanted.mode = tls::role::server;
    wanted.keys = {key};
    return wanted;
  }
  static tls::parameters client_parameters() {
    tls::parameters wanted;
    wanted.ca_file = ca().file();
    return wanted;
  }
  static tls::context_ptr server_context() { return tls::make_context(server_parameters()); }
  static tls::context_ptr client_context() { return tls::make_context(client_parameters()); }

  /// How the handshakes of both ends came out.
  struct outcome {
    std::optional<result<tls_stream>> client;
    std::optional<result<tls_stream>> server;

    [[nodiscard]] bool good() const { return client && *client && server && *server; }
    [[nodiscard]] std::string client_error() const { return error_of(client); }
    [[nodiscard]] std::string server_error() const { return error_of(server); }

   private:
    static std::string error_of(const std::optional<result<tls_stream>>& end) {
      return !end ? "none yet" : *end ? "" : end->error().message();
    }
  };

  /// Secures both ends of a new connection.
  outcome shake_hands(const tls::context_ptr& client, const tls::context_ptr& server,
                      const std::optional<std::string>& name = "localhost") {
    auto [left, right] = plain_pair();
    outcome both;
    auto secure = [this](tls::context_ptr by, tcp_stream plain, std::optional<std::string> host,
                         std::optional<result<tls_stream>>& into) -> task<> {
      into.emplace(co_await tls::secure(events, std::move(by), std::move(plain), std::move(host)));
    };
    events.spawn(secure(client, std::move(left), name, both.client));
    events.spawn(secure(server, std::move(right), {}, both.server));
    turn_until(events, [&] { return both.client && both.server; });
    return both;
  }

  /// The two ends of a connection that is not secured.
  std::pair<tcp_stream, tcp_stream> plain_pair() {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0) throw std::bad_alloc{};
    return {tcp_stream{events, unique_fd{ends[0]}}, tcp_stream{events, unique_fd{ends[1]}}};
  }

  /// One end secured by us, the other by OpenSSL.
  struct half {
    std::unique_ptr<tls_stream> ours;
    tls_peer theirs;
  };
  half connect_peer(const tls::context_ptr& by, tls_peer::settings how, connected_pair pair = make_connection()) {
    how.mode = by->mode() == tls::role::server ? tls::role::client : tls::role::server;
    if (how.mode == tls::role::server && how.key.key.empty()) how.key = localhost();
    tls_peer theirs{std::move(pair.theirs), how};
    std::optional<result<tls_stream>> done;
    events.spawn(secure_into(by, tcp_stream{events, std::move(pair.ours)}, done));
    bool shaken = false;
    poll_until([&] {
      shaken = shaken || theirs.shake_hands();
      return shaken && done;
    });
    return {std::make_unique<tls_stream>(std::move(done->value())), std::move(theirs)};
  }

  task<> secure_into(tls::context_ptr by, tcp_stream plain, std::optional<result<tls_stream>>& into,
                     deadline until = never) {
    std::optional<std::string> name;
    if (by->mode() == tls::role::client) name = "localhost";
    into.emplace(co_await tls::secure(events, std::move(by), std::move(plain), std::move(name), until));
  }

  /// Turns the loop without waiting, for the other end is in the hands of the test, until `condition` holds.
  template <std::predicate Condition>
  void poll_until(Condition condition) {
    while (!condition()) events.turn(deadline::min());
  }

  /// A line that comes, or the error with what had come.
  std::string line_from(tls_stream& from) {
    auto body = [&]() -> task<std::string> {
      std::string text;
      const transfer got = co_await from.receive_line(text);
      co_return got.error ? text + '!' + got.error.message() : text;
    };
    return run(events, body());
  }

  transfer send(tls_stream& to, std::string_view bytes) {
    auto body = [&]() -> task<transfer> { co_return co_await to.send(bytes); };
    return run(events, body());
  }
};

}  // namespace copas::testing
