#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "copas/core/loop.hpp"
#include "copas/core/result.hpp"
#include "copas/core/task.hpp"
#include "copas/http/message.hpp"
#include "copas/http/pool.hpp"
#include "copas/tls/engine.hpp"

namespace copas::http {

/// Gives the next piece of a body that is sent, alive until it is called again; an empty one at the end.
using body_source = std::move_only_function<task<result<std::string_view>>()>;

/// Which redirects are followed. They are for GET and HEAD without a body.
enum class redirect_policy : std::uint8_t {
  none,  ///< the response that redirects is the response
  safe,  ///< but not from https to http, which is an error
  all,
};

/// What is asked for. Only the URL has to be set.
struct request {
  explicit request(std::string where, std::string how = "GET") : url{std::move(where)}, method{std::move(how)} {}

  std::string url;  ///< http or https; user and password in it become the header `authorization`
  std::string method;
  fields headers;  ///< they replace those that the client would send
  std::string body;
  /// Instead of `body`: sent in chunks, unless there is a header `content-length`. With the header "expect: 100-continue"
  /// it is not called before the server has had a moment to refuse.
  body_source source;
  redirect_policy redirects = redirect_policy::safe;
  int most_redirects = 5;
  bool keeps_connection = true;  ///< others may use the connection, before and afterwards
  bool decompresses = false;  ///< asks for gzip or deflate, and undoes it
  bool accepts_http09 = false;  ///< what does not begin as HTTP/1 is the body
  std::size_t most_head = std::size_t{256} * 1024;  ///< bytes of the response's status line and headers
  std::uint64_t most_body = std::numeric_limits<std::uint64_t>::max();  ///< bytes, decompressed
  deadline until = never;  ///< for everything, the body of the response and redirects included
};

namespace detail {
class exchange;
struct client_state;
}  // namespace detail

/// The answer: its head has come, its body may be on its way. Destroying it before the end closes the connection.
class response {
 public:
  response(response&&) noexcept;
  response& operator=(response&&) noexcept;
  ~response();

  [[nodiscard]] int status() const noexcept;  ///< 0 of HTTP/0.9
  [[nodiscard]] const std::string& status_line() const noexcept;
  /// With lower-case names. Trailers join them at the end of the body.
  [[nodiscard]] const fields& headers() const noexcept;
  /// Where it came from, after redirects.
  [[nodiscard]] const std::string& url() const noexcept;

  /// Receives the next piece of the body.
  ///
  /// @return  alive until the next call; empty at the end.
  /// @error  errc::timed_out, errc::closed, of `category()`; others as recv(2) and TLS report them
  /// @pre  no other read is in progress, and the response stays where it is meanwhile.
  [[nodiscard]] task<result<std::string_view>> read();

  /// Receives the rest of the body. Otherwise as `read`.
  [[nodiscard]] task<result<std::string>> text();

 private:
  friend class client;
  explicit response(std::unique_ptr<detail::exchange> of) noexcept;
  std::unique_ptr<detail::exchange> exchange_;
};

/// Makes requests by HTTP/1.1, each in the task that awaits it, any number at a time.
///
/// Connections are kept for the next request to the same server, where neither side says otherwise. A request that may
/// be repeated is sent again, once, if it meets a connection that the server has just closed.
class client {
 public:
  struct options {
    std::chrono::nanoseconds connect_timeout = std::chrono::seconds{60};  ///< TLS handshake included
    std::chrono::nanoseconds send_timeout = std::chrono::seconds{60};  ///< for each piece
    std::chrono::nanoseconds receive_timeout = std::chrono::seconds{60};  ///< each time that bytes have to come
    std::string user_agent = "copas";
    std::string proxy{};  ///< URL of a proxy; https goes through it by CONNECT
    std::string no_proxy{};  ///< see `bypasses_proxy`
    tls::context_ptr tls{};  ///< of a client; `tls::make_context({})` if it is needed and there is none
    connection_pool::limits idle{};
  };

  explicit client(loop& home);
  client(loop& home, options how);

  /// Sends a request, follows redirects, and receives the head of the response.
  ///
  /// @error  of `category()`: the request is refused before anything is sent, or the response is malformed;
  ///         errc::timed_out, errc::closed; others as connecting, TLS, recv(2) and send(2) report them; the source's own
  [[nodiscard]] task<result<response>> send(request what);

  /// The body of what is at a URL, whatever the status.
  [[nodiscard]] task<result<std::string>> get(std::string where, deadline until = never);

  /// Closes the connections that nobody uses.
  void close_idle() noexcept;
  [[nodiscard]] std::size_t idle() const noexcept;

 private:
  std::shared_ptr<detail::client_state> state_;
};

}  // namespace copas::http
