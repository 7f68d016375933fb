#include "copas/net/tcp.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

namespace copas {
namespace {

std::error_code checked(int outcome) noexcept { return outcome == 0 ? std::error_code{} : system_error(errno); }

template <class Call>
result<address> ask_for_address(int fd, Call call) noexcept {
  alignas(8) std::byte storage[address::capacity]{};
  auto* raw = reinterpret_cast<sockaddr*>(storage);
  socklen_t length = sizeof storage;
  if (call(fd, raw, &length) != 0) return std::unexpected{system_error(errno)};
  return address{raw, length};
}

}  // namespace

result<unique_fd> open_tcp(family which) noexcept {
  unique_fd fd{::socket(which == family::inet6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  if (!fd) return std::unexpected{system_error(errno)};
  const int on = 1;
  if (which == family::inet6) ::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  return fd;
}

std::error_code bind_to(int fd, const address& local) noexcept {
  return checked(::bind(fd, local.data(), static_cast<socklen_t>(local.size())));
}

std::error_code start_listening(int fd, int backlog) noexcept { return checked(::listen(fd, backlog)); }

result<address> local_address(int fd) noexcept { return ask_for_address(fd, ::getsockname); }
result<address> peer_address(int fd) noexcept { return ask_for_address(fd, ::getpeername); }

bool connect_operation::attempt() noexcept {
  for (;;) {
    if (begun_ && !on().open()) {
      error_ = errc::closed;
      return true;
    }
    if (!begun_) {
      if (const auto error = begin_next()) {
        error_ = error;
        return true;
      }
    }
    switch (try_current()) {
      case progress::connected: error_ = {}; return true;
      case progress::pending: return false;
      case progress::failed:
        if (++current_ == candidates_.size() || error_ == system_error(EISCONN)) return true;
        begun_ = false;
    }
  }
}

std::error_code connect_operation::begin_next() noexcept {
  const family wanted = candidates_[current_].family();
  if (owns_descriptor_) {
    auto fd = open_tcp(wanted);
    if (!fd) return fd.error();
    on().replace(std::move(*fd));
  }
  return {};
}

// connect(2), called again, tells how the connection that the first call began is getting on.
connect_operation::progress connect_operation::try_current() noexcept {
  const address& to = candidates_[current_];
  const bool again = std::exchange(begun_, true);
  if (::connect(on().fd(), to.data(), static_cast<socklen_t>(to.size())) == 0) return progress::connected;
  error_ = system_error(errno);
  if (errno == EISCONN && again) return progress::connected;
  if (errno != EINPROGRESS && errno != EALREADY && errno != EINTR) return progress::failed;
  // Not just "drained": the first address may have left an error event behind, after which that proves nothing.
  const auto not_yet = std::make_error_code(std::errc::operation_would_block);
  on().ready().learn(side::write, {.bytes = 0, .error = not_yet, .end = false, .drained = true});
  return progress::pending;
}

tcp_stream::text_awaitable tcp_stream::receive_line(std::string& into, deadline until) noexcept {
  return {home_, stream_, {.what = receive_pattern::kind::line}, into, until};
}

tcp_stream::text_awaitable tcp_stream::receive_all(std::string& into, deadline until) noexcept {
  return {home_, stream_, {.what = receive_pattern::kind::all}, into, until};
}

tcp_stream::text_awaitable tcp_stream::receive_exactly(std::string& into, std::size_t count, deadline until) noexcept {
  return {home_, stream_, {.what = receive_pattern::kind::exactly, .count = count}, into, until};
}

receive_some_operation tcp_stream::receive(std::span<std::byte> into, deadline until) noexcept {
  return {home_, stream_, into, until};
}

send_operation tcp_stream::send(std::string_view bytes, deadline until) noexcept {
  return {home_, stream_, std::as_bytes(std::span{bytes}), until};
}

void tcp_stream::shutdown_send() noexcept { ::shutdown(stream_->fd(), SHUT_WR); }

transfer tcp_stream::text_awaitable::await_resume() noexcept {
  into_ = take_text();
  return {.bytes = into_.size(), .error = error()};
}

result<tcp_listener> tcp_listener::bind(loop& home, const std::string& host, std::uint16_t port, int backlog) {
  const bool any = host.empty() || host == "*";
  const auto candidates =
      resolve(any ? "0.0.0.0" : host, std::to_string(port), family::unspecified, address_use::listening);
  if (!candidates) return std::unexpected{candidates.error()};

  std::error_code error;
  for (const address& each : *candidates) {
    auto fd = open_tcp(each.family());
    if (!fd) {
      error = fd.error();
      continue;
    }
    const int on = 1;
    ::setsockopt(fd->get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    error = bind_to(fd->get(), each);
    if (!error) error = start_listening(fd->get(), backlog);
    if (!error) return tcp_listener{home, std::move(*fd)};
  }
  return std::unexpected{error};
}

tcp_listener::accept_awaitable tcp_listener::accept() noexcept { return {*home_, listener_}; }

result<tcp_stream> tcp_listener::accept_awaitable::await_resume() {
  auto connection = accept_.await_resume();
  if (!connection) return std::unexpected{connection.error()};
  return tcp_stream{home_, std::move(*connection)};
}

task<result<tcp_stream>> connect(loop& home, std::string host, std::uint16_t port, deadline until) {
  auto candidates = resolve(host, std::to_string(port), family::unspecified, address_use::connecting);
  if (!candidates) co_return std::unexpected{candidates.error()};
  const ref socket{new stream{}};
  connect_operation operation{&home, socket, std::move(*candidates)};
  operation.set_deadline(until);
  if (const std::error_code error = co_await operation) {
    socket->close();
    co_return std::unexpected{error};
  }
  co_return tcp_stream{home, socket};
}

task<> serve(loop& home, tcp_listener& at, std::function<task<>(tcp_stream)> handler) {
  scope connections{home};
  for (;;) {
    auto connection = co_await at.accept();
    if (!connection) break;
    connections.spawn(handler(std::move(*connection)), "connection");
  }
  co_await connections.join();
}

}  // namespace copas
