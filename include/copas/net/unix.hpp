#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <system_error>

#include "copas/core/loop.hpp"
#include "copas/core/result.hpp"
#include "copas/core/socket_address.hpp"
#include "copas/core/task.hpp"
#include "copas/io/datagram_handle.hpp"
#include "copas/io/listener_handle.hpp"
#include "copas/io/retried.hpp"
#include "copas/io/stream_handle.hpp"

namespace copas {

/// Where a socket is on this machine: a path, or nowhere. @see unix(7)
class unix_address {
 public:
  /// No path, as a socket has that was not bound; a socket that is bound to it gets a name that nobody else has.
  unix_address() noexcept;
  explicit unix_address(const socket_address& from) noexcept : raw_{from} {}

  /// @param path  one that begins with a NUL is a name in Linux's abstract name space, and no file.
  /// @error ENAMETOOLONG  107 bytes at most
  [[nodiscard]] static result<unix_address> of(std::string_view path) noexcept;

  [[nodiscard]] std::string_view path() const noexcept;
  [[nodiscard]] std::span<const std::byte> bytes() const noexcept { return raw_.bytes(); }

 private:
  socket_address raw_;
};

/// Make Unix sockets: non-blocking, closed on exec.
///
/// @param helper  whose `on_descriptor_shortage` may free descriptors if there are none; null for nobody's.
/// @error  as socket(2) reports them, e.g. EMFILE
[[nodiscard]] result<unique_fd> open_unix_stream(loop* helper = nullptr) noexcept;
[[nodiscard]] result<unique_fd> open_unix_datagram(loop* helper = nullptr) noexcept;
/// @error as bind(2) reports them, e.g. EADDRINUSE: the file exists, whether somebody uses it or not
[[nodiscard]] std::error_code bind_to(int fd, const unix_address& local) noexcept;
/// Fixes where datagrams go to and come from. @see connect(2)
[[nodiscard]] std::error_code set_peer(int fd, const unix_address& peer) noexcept;
/// @see getsockname(2)
[[nodiscard]] result<unix_address> local_unix_address(int fd) noexcept;

/// One connect(2) to a path; see `unix_connect_operation`.
class unix_connect_attempt : public io_operation {
 public:
  unix_connect_attempt(loop* home, ref<stream> socket, const unix_address& to)
      : io_operation{home, ref<copas::socket>{socket.get()}, side::write}, to_{std::make_unique<unix_address>(to)} {}

  [[nodiscard]] bool attempt() noexcept override;
  void give_up(std::error_code why) noexcept override { error_ = why; }
  std::error_code await_resume() const noexcept { return error_; }
  [[nodiscard]] std::string_view activity() const noexcept override { return "connecting"; }

 private:
  std::unique_ptr<const unix_address> to_;  // apart, for its size
  std::error_code error_;
  bool begun_ = false;
};

/// Connects a stream to a path; makes its descriptor, if it has none. While the listener's queue is full, it tries again.
using unix_connect_operation = retried<unix_connect_attempt>;

/// Sends one datagram to a path. While the queue of the receiver is full, it tries again: nobody tells a sender that is
/// not connected.
using unix_send_to_operation = retried<send_datagram_operation>;

/// A connection by a Unix socket, owned: see `stream_handle`.
class unix_stream : public stream_handle {
 public:
  using stream_handle::stream_handle;
};

/// How a Unix socket listens.
struct unix_listen_options {
  int backlog = 1024;  ///< connections that may wait to be accepted
};

/// A listening Unix socket, owned: see `listener_handle`. Its file stays when it is closed.
class unix_listener : public listener_handle<unix_stream> {
 public:
  /// Listens at a path.
  ///
  /// @error as bind(2) and listen(2) report them, e.g. EADDRINUSE: the file exists, whether somebody listens or not;
  ///        ENAMETOOLONG
  [[nodiscard]] static result<unix_listener> bind(loop& home, std::string_view path, unix_listen_options how = {});

 private:
  using listener_handle::listener_handle;
};

/// Connects to whoever listens at a path, waiting while its queue is full.
///
/// @error errc::timed_out; others as connect(2) reports them, e.g. ENOENT, ECONNREFUSED; ENAMETOOLONG
[[nodiscard]] task<result<unix_stream>> connect_unix(loop& home, std::string path, deadline until = never);

/// A Unix socket for datagrams, owned: see `datagram_handle`. None is lost: sending waits for the receiver.
class unix_datagram_socket : public datagram_handle<unix_address> {
 public:
  using datagram_handle::datagram_handle;

  /// Makes a socket without a path; those it sends to cannot answer.
  /// @error as socket(2) reports them
  [[nodiscard]] static result<unix_datagram_socket> open(loop& home);

  /// Makes one that receives at a path. Its file stays when it is closed.
  /// @error as bind(2) reports them, e.g. EADDRINUSE; ENAMETOOLONG
  [[nodiscard]] static result<unix_datagram_socket> bind(loop& home, std::string_view path);

  /// Sets the peer of `send`; datagrams of others are refused from then on.
  /// @error as connect(2) reports them, e.g. ENOENT, ECONNREFUSED; ENAMETOOLONG
  [[nodiscard]] result<void> connect(std::string_view path) noexcept;

  /// Sends one datagram to whoever receives at `to`. Otherwise as `send`.
  ///
  /// @param bytes, to  alive and unchanged until the awaitable ends.
  [[nodiscard]] unix_send_to_operation send_to(std::span<const std::byte> bytes, const unix_address& to,
                                               deadline until = never) noexcept {
    return {home(), shared(), bytes, to.bytes(), until};
  }
  [[nodiscard]] unix_send_to_operation send_to(std::string_view bytes, const unix_address& to,
                                               deadline until = never) noexcept {
    return send_to(std::as_bytes(std::span{bytes}), to, until);
  }

  [[nodiscard]] result<unix_address> local() const noexcept { return local_unix_address(fd()); }
};

}  // namespace copas
