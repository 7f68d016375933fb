#include "copas/net/tcp.hpp"

#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "copas/net/options.hpp"
#include "net/socket_calls.hpp"

namespace copas {
namespace {

std::error_code listen_at(int fd, const address& at, const listen_options& how) noexcept {
  std::error_code error = set_option(fd, option::reuse_address, true);
  if (!error && how.reuse_port) error = set_option(fd, option::reuse_port, true);
  if (!error) error = bind_to(fd, at);
  return error ? error : start_listening(fd, how.backlog);
}

}  // namespace

result<unique_fd> open_tcp(family which, loop* helper) noexcept {
  return socket_calls::open_inet(which, SOCK_STREAM, helper);
}

bool connect_sequence::step() noexcept {
  for (;;) {
    if (begun_ && !on_.open()) {
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

std::error_code connect_sequence::begin_next() noexcept {
  const family wanted = candidates_[current_].family();
  if (whose_ == descriptor::own) {
    auto fd = open_tcp(wanted, helper_);
    if (!fd) return fd.error();
    on_.replace(std::move(*fd));
  }
  return {};
}

// connect(2), called again, tells how the connection that the first call began is getting on.
connect_sequence::progress connect_sequence::try_current() noexcept {
  const bool again = std::exchange(begun_, true);
  error_ = socket_calls::connect(on_.fd(), candidates_[current_].bytes());
  if (!error_ || (error_ == system_error(EISCONN) && again)) return progress::connected;
  if (!is_one_of(error_, {EINPROGRESS, EALREADY, EINTR})) return progress::failed;
  // Not just "drained": the first address may have left an error event behind, after which that proves nothing.
  const auto not_yet = std::make_error_code(std::errc::operation_would_block);
  on_.ready().learn(side::write, {.bytes = 0, .error = not_yet, .end = false, .drained = true});
  return progress::pending;
}

result<tcp_listener> tcp_listener::bind(loop& home, const address& at, listen_options how) {
  auto fd = open_tcp(at.family(), &home);
  if (!fd) return std::unexpected{fd.error()};
  if (const std::error_code error = listen_at(fd->get(), at, how)) return std::unexpected{error};
  return tcp_listener{home, std::move(*fd)};
}

}  // namespace copas
