#include "exchange.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

#include "copas/http/error.hpp"
#include "copas/net/options.hpp"
#include "copas/tls/tls_stream.hpp"

namespace copas::http::detail {

deadline exchange::limit(std::chrono::nanoseconds patience) const noexcept {
  return std::min(request_.until, client_->home.io().after(patience));
}

stream_handle& exchange::connection() noexcept {
  assert(connection_);
  return *connection_;
}

receive_response_operation exchange::receiving(stream& from, response_reader& by,
                                               std::chrono::nanoseconds patience) const noexcept {
  return {&client_->home, ref{&from}, by, patience, request_.until};
}

task<result<void>> exchange::connect(bool may_reuse) {
  loop& home = client_->home;
  connection_.reset();
  reused_ = false;
  if (may_reuse) {
    if (ref<stream> kept = client_->pool.take(request_.key)) {
      connection_.emplace(home, std::move(kept));
      reused_ = true;
      co_return result<void>{};
    }
  }
  auto opened = co_await open();
  if (!opened) co_return std::unexpected{opened.error()};
  connection_.emplace(std::move(*opened));
  co_return result<void>{};
}

task<result<stream_handle>> exchange::open() {
  loop& home = client_->home;
  const url& first = request_.proxy ? *request_.proxy : request_.to;
  const deadline until = limit(client_->options.connect_timeout);
  auto plain = co_await copas::connect(home, first.host, first.port, until);
  if (!plain) co_return std::unexpected{plain.error()};
  // A body that follows its head shall not wait until the peer has acknowledged that; an error only costs that time.
  static_cast<void>(plain->set_option(option::no_delay, true));
  if (!request_.to.secure) co_return stream_handle{std::move(*plain)};

  if (request_.proxy) {
    const auto opened = co_await open_tunnel(*plain, *request_.proxy);
    if (!opened) co_return std::unexpected{opened.error()};
  }
  if (!client_->options.tls) client_->options.tls = tls::make_context({});
  std::optional<std::string> name{request_.to.host};
  auto secured = co_await tls::secure(home, client_->options.tls, std::move(*plain), std::move(name), until);
  if (!secured) co_return std::unexpected{secured.error()};
  co_return stream_handle{std::move(*secured)};
}

task<result<void>> exchange::open_tunnel(tcp_stream& by, const url& proxy) {
  const std::string target = request_.to.host_and_port();
  std::string head;
  std::error_code wrong = append_request_line(head, "CONNECT", target);
  if (!wrong) wrong = append_field(head, "host", target);
  if (!wrong && !proxy.user.empty()) {
    wrong = append_field(head, "proxy-authorization", basic_credentials(proxy.user, proxy.password));
  }
  if (wrong) co_return std::unexpected{wrong};
  head += "\r\n";
  const transfer sent = co_await by.send(head, limit(client_->options.send_timeout));
  if (!sent) co_return std::unexpected{sent.error};

  response_reader answer{response_rules{.answers_connect = true}};
  const auto received = co_await receiving(by.shared(), answer, client_->options.receive_timeout);
  if (received.error) co_return std::unexpected{received.error};
  const int status = answer.parser().status();
  if (status < 200 || status > 299) co_return std::unexpected{make_error_code(error::proxy_refused)};
  co_return result<void>{};
}

task<result<void>> exchange::send(std::string_view bytes) {
  const transfer sent = co_await connection().send(bytes, limit(client_->options.send_timeout));
  co_return as_result(sent.error);
}

task<result<void>> exchange::receive_head(std::chrono::nanoseconds patience) {
  while (true) {
    const auto received = co_await receiving(connection().shared(), reader_, patience);
    if (received.error) co_return std::unexpected{received.error};
    const int status = parser().status();
    if (received.what == response_event::end) {
      reader_.restart();
    } else if (status == 0 || status == 101 || status >= 200) {
      co_return result<void>{};
    }
  }
}

task<result<std::string_view>> exchange::read() {
  if (!connection_) co_return std::string_view{};
  const auto received = co_await receiving(connection().shared(), reader_, client_->options.receive_timeout);
  if (received.error) {
    connection_.reset();
    co_return std::unexpected{received.error};
  }
  if (received.what == response_event::end) let_go();
  co_return received.piece;
}

void exchange::skim() {
  read_buffer& input = connection().shared().input();
  response_event last = response_event::body;
  while (last == response_event::body) {
    const response_step step = reader_.feed({input.bytes().data(), input.size()});
    input.consume(step.taken);
    last = step.what;
  }
  input.relax();
  if (last == response_event::end) let_go();
}

// Puts the connection where the next request finds it, or closes it.
void exchange::let_go() {
  if (!spoilt_ && !request_.key.empty() && parser().keeps_connection()) {
    client_->pool.put(request_.key, connection().give_away());
  }
  connection_.reset();
}

}  // namespace copas::http::detail
