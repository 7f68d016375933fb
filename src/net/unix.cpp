#include "copas/net/unix.hpp"

#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>

#include "net/socket_calls.hpp"

namespace copas {
namespace {

constexpr std::size_t path_offset = offsetof(sockaddr_un, sun_path);
constexpr std::size_t path_capacity = sizeof sockaddr_un{}.sun_path;

}  // namespace

unix_address::unix_address() noexcept {
  const sa_family_t family = AF_UNIX;
  std::memcpy(raw_.storage, &family, sizeof family);
  raw_.size = path_offset;
}

result<unix_address> unix_address::of(std::string_view path) noexcept {
  if (path.size() >= path_capacity) return std::unexpected{system_error(ENAMETOOLONG)};
  unix_address made;
  std::ranges::copy(std::as_bytes(std::span{path}), made.raw_.storage + path_offset);
  const bool is_file = !path.empty() && path.front() != '\0';
  made.raw_.size += path.size() + (is_file ? 1 : 0);  // with a NUL at its end
  return made;
}

std::string_view unix_address::path() const noexcept {
  if (raw_.size <= path_offset) return {};
  const auto* const text = reinterpret_cast<const char*>(raw_.storage) + path_offset;
  const std::size_t length = raw_.size - path_offset;
  const bool is_file = *text != '\0';
  return {text, is_file ? ::strnlen(text, length) : length};
}

result<unique_fd> open_unix_stream(loop* helper) noexcept { return socket_calls::open(AF_UNIX, SOCK_STREAM, helper); }
result<unique_fd> open_unix_datagram(loop* helper) noexcept { return socket_calls::open(AF_UNIX, SOCK_DGRAM, helper); }

std::error_code bind_to(int fd, const unix_address& local) noexcept { return socket_calls::bind(fd, local.bytes()); }
std::error_code set_peer(int fd, const unix_address& peer) noexcept { return socket_calls::connect(fd, peer.bytes()); }

result<unix_address> local_unix_address(int fd) noexcept {
  const auto found = socket_calls::local_address(fd);
  if (!found) return std::unexpected{found.error()};
  return unix_address{*found};
}

bool unix_connect_attempt::attempt() noexcept {
  if (!on().open()) {
    auto fd = begun_ ? result<unique_fd>{std::unexpect, errc::closed} : open_unix_stream(home());
    if (!fd) {
      error_ = fd.error();
      return true;
    }
    on().replace(std::move(*fd));
  }
  begun_ = true;
  error_ = socket_calls::connect(on().fd(), to_->bytes());
  return !is_one_of(error_, {EAGAIN, EINTR});
}

result<unix_listener> unix_listener::bind(loop& home, std::string_view path, unix_listen_options how) {
  const auto local = unix_address::of(path);
  if (!local) return std::unexpected{local.error()};
  auto fd = open_unix_stream(&home);
  if (!fd) return std::unexpected{fd.error()};
  std::error_code error = bind_to(fd->get(), *local);
  if (!error) error = start_listening(fd->get(), how.backlog);
  if (error) return std::unexpected{error};
  return unix_listener{home, std::move(*fd)};
}

task<result<unix_stream>> connect_unix(loop& home, std::string path, deadline until) {
  const auto to = unix_address::of(path);
  if (!to) co_return std::unexpected{to.error()};
  const ref socket{new stream{}};
  unix_connect_operation operation{&home, socket, *to};
  operation.set_deadline(until);
  if (const std::error_code error = co_await operation) {
    socket->close();
    co_return std::unexpected{error};
  }
  co_return unix_stream{home, socket};
}

result<unix_datagram_socket> unix_datagram_socket::open(loop& home) {
  auto fd = open_unix_datagram(&home);
  if (!fd) return std::unexpected{fd.error()};
  return unix_datagram_socket{home, std::move(*fd)};
}

result<unix_datagram_socket> unix_datagram_socket::bind(loop& home, std::string_view path) {
  const auto local = unix_address::of(path);
  if (!local) return std::unexpected{local.error()};
  auto made = open(home);
  if (!made) return made;
  if (const auto error = bind_to(made->fd(), *local)) return std::unexpected{error};
  return made;
}

result<void> unix_datagram_socket::connect(std::string_view path) noexcept {
  const auto peer = unix_address::of(path);
  return as_result(peer ? set_peer(fd(), *peer) : peer.error());
}

}  // namespace copas
