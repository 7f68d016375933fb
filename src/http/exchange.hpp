#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "copas/http/client.hpp"
#include "copas/http/receive.hpp"
#include "copas/http/url.hpp"
#include "copas/io/stream_handle.hpp"
#include "copas/net/tcp.hpp"

namespace copas::http::detail {

/// What the requests of a client share. Responses may outlive the client.
struct client_state {
  client_state(loop& events, client::options how) : home{events}, options{std::move(how)}, pool{events, options.idle} {}

  loop& home;
  client::options options;
  connection_pool pool;
};

/// What is to be sent, checked.
struct prepared {
  url to;
  std::optional<url> proxy;  ///< the way to it
  std::string key;  ///< of the connections that can serve it
  std::string head;
  deadline until;
};

/// One request and its response, over one connection.
class exchange {
 public:
  exchange(std::shared_ptr<client_state> of, prepared what) : client_{std::move(of)}, request_{std::move(what)} {}

  /// Gets a connection: one that was used before, if that is wanted and there is one.
  [[nodiscard]] task<result<void>> connect(bool may_reuse);
  [[nodiscard]] task<result<void>> send(std::string_view bytes);
  /// Receives the head of the response that counts, after any that are to be skipped.
  /// @param patience  how long to wait for each part of it
  [[nodiscard]] task<result<void>> receive_head(std::chrono::nanoseconds patience);
  /// As `response::read`.
  [[nodiscard]] task<result<std::string_view>> read();
  /// Takes what has come already of a body that nobody wants.
  void skim();

  void expect(response_rules rules, body_rules body) { reader_ = response_reader{rules, body}; }
  [[nodiscard]] response_parser& parser() noexcept { return reader_.parser(); }
  [[nodiscard]] bool reused() const noexcept { return reused_; }
  [[nodiscard]] const prepared& what() const noexcept { return request_; }
  [[nodiscard]] std::shared_ptr<client_state> client() const noexcept { return client_; }
  /// Nobody else is to use the connection.
  void spoil() noexcept { spoilt_ = true; }

  std::string url_text;

 private:
  [[nodiscard]] task<result<stream_handle>> open();
  [[nodiscard]] task<result<void>> open_tunnel(tcp_stream& by, const url& proxy);
  /// The next part of a response on a stream; each wait for bytes takes no longer than `patience`.
  [[nodiscard]] receive_response_operation receiving(stream& from, response_reader& by,
                                                     std::chrono::nanoseconds patience) const noexcept;
  /// The connection, which there is from `connect` until `let_go`, or an error.
  [[nodiscard]] stream_handle& connection() noexcept;
  [[nodiscard]] deadline limit(std::chrono::nanoseconds patience) const noexcept;
  void let_go();

  std::shared_ptr<client_state> client_;
  prepared request_;
  std::optional<stream_handle> connection_;
  response_reader reader_;
  bool reused_ = false;
  bool spoilt_ = false;
};

}  // namespace copas::http::detail
