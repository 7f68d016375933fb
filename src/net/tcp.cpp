#include "copas/net/tcp.hpp"

#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "net/socket_calls.hpp"

namespace copas {

result<unique_fd> open_tcp(family which) noexcept { return socket_calls::open_inet(which, SOCK_STREAM); }

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
  const bool again = std::exchange(begun_, true);
  error_ = socket_calls::connect(on().fd(), candidates_[current_].bytes());
  if (!error_ || (error_ == system_error(EISCONN) && again)) return progress::connected;
  if (!is_one_of(error_, {EINPROGRESS, EALREADY, EINTR})) return progress::failed;
  // Not just "drained": the first address may have left an error event behind, after which that proves nothing.
  const auto not_yet = std::make_error_code(std::errc::operation_would_block);
  on().ready().learn(side::write, {.bytes = 0, .error = not_yet, .end = false, .drained = true});
  return progress::pending;
}

result<tcp_listener> tcp_listener::bind(loop& home, const std::string& host, std::uint16_t port, int backlog) {
  const auto candidates =
      resolve(host.empty() ? "*" : host, std::to_string(port), family::unspecified, address_use::listening);
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

}  // namespace copas
