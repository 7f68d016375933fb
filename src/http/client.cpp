#include "copas/http/client.hpp"

#include <cerrno>
#include <utility>

#include "copas/http/error.hpp"
#include "copas/http/policy.hpp"
#include "exchange.hpp"

namespace copas::http {
namespace {

using detail::exchange;
using detail::prepared;

constexpr std::chrono::seconds patience_for_continue{1};  // which some servers never send
constexpr std::size_t most_with_head = std::size_t{16} * 1024;  // a body that leaves in one piece with the head

// Replaces the headers of the client by those of the request.
fields headers_of(const request& what, const url& to, const std::optional<url>& proxy, const client::options& how) {
  fields made;
  made.add("host", to.authority());
  made.add("user-agent", how.user_agent);
  if (!what.keeps_connection) made.add("connection", "close");
  if (!to.user.empty()) made.add("authorization", basic_credentials(to.user, to.password));
  if (proxy && !to.secure && !proxy->user.empty()) {
    made.add("proxy-authorization", basic_credentials(proxy->user, proxy->password));
  }
  if (what.decompresses) made.add("accept-encoding", "gzip, deflate");
  for (const field& each : what.headers) made.erase(each.name);
  for (const field& each : what.headers) made.add(each.name, each.value);
  if (what.source) {
    if (!made.has("content-length") && !made.has("transfer-encoding")) made.add("transfer-encoding", "chunked");
  } else if (!what.body.empty() || what.method == "POST" || what.method == "PUT") {
    if (!made.has("content-length")) made.add("content-length", std::to_string(what.body.size()));
  }
  return made;
}

std::string key_of(const url& to, const std::optional<url>& proxy) {
  if (!proxy) return std::string{to.scheme()}.append(" ").append(to.host_and_port());
  if (!to.secure) return std::string{"proxy "}.append(proxy->host_and_port());
  return std::string{"https "}
      .append(to.host_and_port())
      .append(" by ")
      .append(proxy->host_and_port())
      .append(" as ")
      .append(proxy->user);
}

result<prepared> prepare(const request& what, const client::options& how) {
  auto to = url::parse(what.url);
  if (!to) return std::unexpected{to.error()};
  prepared made{.to = *std::move(to), .proxy = {}, .key = {}, .head = {}, .until = what.until};
  if (!how.proxy.empty() && !bypasses_proxy(how.no_proxy, made.to.host, made.to.port)) {
    auto proxy = url::parse(how.proxy);
    if (!proxy) return std::unexpected{proxy.error()};
    if (!proxy->has_port) proxy->port = 3128;
    made.proxy = *std::move(proxy);
  }
  const bool by_proxy = made.proxy && !made.to.secure;
  std::error_code wrong = append_request_line(made.head, what.method, by_proxy ? made.to.text() : made.to.target);
  for (const field& each : headers_of(what, made.to, made.proxy, how)) {
    if (!wrong) wrong = append_field(made.head, each.name, each.value);
  }
  if (wrong) return std::unexpected{wrong};
  made.head += "\r\n";
  if (what.keeps_connection && !what.headers.lists("connection", "close")) made.key = key_of(made.to, made.proxy);
  return made;
}

// Sends what a source gives.
task<result<void>> send_source(exchange& by, body_source& source, bool chunked) {
  while (true) {
    const auto piece = co_await source();
    if (!piece) co_return std::unexpected{piece.error()};
    if (piece->empty()) break;
    std::string chunk;
    if (chunked) append_chunk(chunk, *piece);
    const auto sent = co_await by.send(chunked ? std::string_view{chunk} : *piece);
    if (!sent) co_return sent;
  }
  if (chunked) co_return co_await by.send(last_chunk);
  co_return result<void>{};
}

// Sends the body, unless the server says before that it does not want it. True if the head of the response has come.
task<result<bool>> send_body(exchange& by, request& what) {
  if (what.headers.lists("expect", "100-continue")) {
    const auto answered = co_await by.receive_head(patience_for_continue);
    if (answered) {
      by.spoil();
      co_return true;
    }
    if (answered.error() != errc::timed_out) co_return std::unexpected{answered.error()};
  }
  const auto sent = co_await send_source(by, what.source, !what.headers.has("content-length"));
  if (sent) co_return false;
  // A server that is gone may have said why.
  by.spoil();
  const auto answered = co_await by.receive_head(by.client()->options.receive_timeout);
  if (answered) co_return true;
  co_return std::unexpected{sent.error()};
}

task<result<void>> attempt(exchange& by, request& what, bool may_reuse) {
  by.expect({.answers_head = what.method == "HEAD", .accepts_http09 = what.accepts_http09, .most_head = what.most_head},
            {.decompresses = what.decompresses, .most_body = what.most_body});
  const auto connected = co_await by.connect(may_reuse);
  if (!connected) co_return connected;
  std::string first = by.what().head;
  const bool together = what.body.size() <= most_with_head;
  if (!what.source && together) first += what.body;
  auto sent = co_await by.send(first);
  if (sent && !what.source && !together) sent = co_await by.send(what.body);
  if (!sent) co_return sent;
  if (what.source) {
    const auto answered = co_await send_body(by, what);
    if (!answered) co_return std::unexpected{answered.error()};
    if (*answered) co_return result<void>{};
  }
  co_return co_await by.receive_head(by.client()->options.receive_timeout);
}

// One request and the head of its response.
task<result<std::unique_ptr<exchange>>> perform(std::shared_ptr<detail::client_state> client, request& what) {
  auto ready = prepare(what, client->options);
  if (!ready) co_return std::unexpected{ready.error()};
  auto by = std::make_unique<exchange>(client, *std::move(ready));
  by->url_text = what.url;
  const bool may_reuse = !by->what().key.empty() && !what.source && is_idempotent(what.method);
  auto outcome = co_await attempt(*by, what, may_reuse);
  if (!outcome && by->reused() && !by->parser().begun() &&
      (outcome.error() == errc::closed || is_one_of(outcome.error(), {EPIPE, ECONNRESET}))) {
    outcome = co_await attempt(*by, what, false);
  }
  if (!outcome) co_return std::unexpected{outcome.error()};
  co_return by;
}

// What a response asks for instead; none if it is to be given to the caller.
result<std::optional<std::string>> next_url(exchange& by, const request& what, int followed) {
  const auto location = by.parser().headers().get("location");
  if (what.redirects == redirect_policy::none || followed >= what.most_redirects || what.source || !what.body.empty() ||
      !location || trimmed(*location).empty() || !redirects(by.parser().status(), what.method)) {
    return std::nullopt;
  }
  std::string target = resolve(what.url, trimmed(*location));
  const auto to = url::parse(target);
  if (!to) return std::unexpected{to.error()};
  if (by.what().to.secure && !to->secure && what.redirects != redirect_policy::all) {
    return std::unexpected{make_error_code(error::insecure_redirect)};
  }
  return target;
}

// Makes `what` the request for another URL. What is meant for one server only does not go to another.
void follow(request& what, const exchange& by, std::string target) {
  auto to = url::parse(target);
  const bool stays = to && to->same_origin(by.what().to);
  if (!stays) {
    fields kept;
    for (const field& each : what.headers) {
      if (!is_private(each.name)) kept.add(each.name, each.value);
    }
    what.headers = std::move(kept);
  } else if (to->user.empty() && !by.what().to.user.empty() && !what.headers.has("authorization")) {
    what.headers.add("authorization", basic_credentials(by.what().to.user, by.what().to.password));
  }
  what.url = std::move(target);
}

}  // namespace

response::response(std::unique_ptr<detail::exchange> of) noexcept : exchange_{std::move(of)} {}
response::response(response&&) noexcept = default;
response& response::operator=(response&&) noexcept = default;
response::~response() = default;

int response::status() const noexcept { return exchange_->parser().status(); }
const std::string& response::status_line() const noexcept { return exchange_->parser().status_line(); }
const fields& response::headers() const noexcept { return exchange_->parser().headers(); }
const std::string& response::url() const noexcept { return exchange_->url_text; }

task<result<std::string_view>> response::read() { return exchange_->read(); }

task<result<std::string>> response::text() {
  std::string all;
  while (true) {
    const auto piece = co_await exchange_->read();
    if (!piece) co_return std::unexpected{piece.error()};
    if (piece->empty()) co_return all;
    all += *piece;
  }
}

client::client(loop& home) : client{home, options{}} {}
client::client(loop& home, options how) : state_{std::make_shared<detail::client_state>(home, std::move(how))} {}

task<result<response>> client::send(request what) {
  const std::shared_ptr<detail::client_state> state = state_;
  for (int followed = 0;; ++followed) {
    auto by = co_await perform(state, what);
    if (!by) co_return std::unexpected{by.error()};
    auto target = next_url(**by, what, followed);
    if (!target) co_return std::unexpected{target.error()};
    std::optional<std::string> next = *std::move(target);
    if (!next) co_return response{*std::move(by)};
    (*by)->skim();
    follow(what, **by, *std::move(next));
  }
}

task<result<std::string>> client::get(std::string where, deadline until) {
  request what{std::move(where)};
  what.until = until;
  auto answer = co_await send(std::move(what));
  if (!answer) co_return std::unexpected{answer.error()};
  co_return co_await answer->text();
}

void client::close_idle() noexcept { state_->pool.clear(); }
std::size_t client::idle() const noexcept { return state_->pool.size(); }

}  // namespace copas::http
