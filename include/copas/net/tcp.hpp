#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "copas/core/loop.hpp"
#include "copas/core/result.hpp"
#include "copas/core/scope.hpp"
#include "copas/core/task.hpp"
#include "copas/io/listener.hpp"
#include "copas/io/stream.hpp"
#include "copas/net/address.hpp"

namespace copas {

/// Makes a TCP socket: non-blocking, closed on exec; of IPv6 only if it is of that family.
[[nodiscard]] result<unique_fd> open_tcp(family which) noexcept;
/// @see bind(2)
[[nodiscard]] std::error_code bind_to(int fd, const address& local) noexcept;
/// @see listen(2)
[[nodiscard]] std::error_code start_listening(int fd, int backlog) noexcept;
/// @see getsockname(2)
[[nodiscard]] result<address> local_address(int fd) noexcept;
/// @see getpeername(2)
[[nodiscard]] result<address> peer_address(int fd) noexcept;

/// Connects a stream to the first address that accepts.
///
/// If the stream has a descriptor that suits an address, it is used; otherwise one is made, and remade for each try.
class [[nodiscard]] connect_operation final : public io_operation {
 public:
  /// @param candidates  tried in this order; not empty.
  connect_operation(loop* home, ref<stream> socket, std::vector<address> candidates) noexcept
      : io_operation{home, ref<copas::socket>{socket.get()}, side::write},
        candidates_{std::move(candidates)},
        owns_descriptor_{!on().open()} {}

  [[nodiscard]] bool attempt() noexcept override;
  void give_up(std::error_code why) noexcept override { error_ = why; }
  /// The error of the last address, if none accepted; `EISCONN` if the stream was connected before.
  std::error_code await_resume() const noexcept { return error_; }
  [[nodiscard]] std::string_view activity() const noexcept override { return "connecting"; }

 private:
  enum class progress : std::uint8_t { connected, pending, failed };
  [[nodiscard]] std::error_code begin_next() noexcept;
  [[nodiscard]] progress try_current() noexcept;

  std::vector<address> candidates_;
  std::size_t current_ = 0;
  std::error_code error_;
  bool owns_descriptor_;
  bool begun_ = false;  // with the current address
};

/// A TCP connection, owned. Destroying it closes the connection and ends whatever waits on it.
///
/// One task may receive and another send at the same time; more of either take turns.
class tcp_stream {
 public:
  class text_awaitable;

  tcp_stream(loop& home, unique_fd connection) : tcp_stream{home, ref{new stream{std::move(connection)}}} {}
  tcp_stream(loop& home, ref<stream> shared) noexcept : home_{&home}, stream_{std::move(shared)} {}
  tcp_stream(tcp_stream&&) = default;
  tcp_stream& operator=(tcp_stream&& other) noexcept {
    std::swap(home_, other.home_);
    std::swap(stream_, other.stream_);
    return *this;
  }
  ~tcp_stream() {
    if (stream_) stream_->close();
  }

  /// Receives a line, without the LF at its end and any CR in it.
  ///
  /// @param into   is replaced by the line, or after an error by the part of one that had come; alive until the
  ///               awaitable ends.
  /// @param until  when to give up.
  /// @error  errc::closed     the peer ended its side, and everything it sent was received.
  /// @error  errc::timed_out  `until` passed first.
  /// @error  others           as recv(2) reports them, e.g. ECONNRESET.
  [[nodiscard]] text_awaitable receive_line(std::string& into, deadline until = never) noexcept;

  /// Receives everything up to the end of the stream; `errc::closed` if there is nothing. Otherwise as `receive_line`.
  [[nodiscard]] text_awaitable receive_all(std::string& into, deadline until = never) noexcept;

  /// Receives exactly `count` bytes. Otherwise as `receive_line`.
  [[nodiscard]] text_awaitable receive_exactly(std::string& into, std::size_t count, deadline until = never) noexcept;

  /// Receives what has arrived, waiting for the first byte if nothing has.
  ///
  /// @param into  where the bytes go; at least one byte long, alive until the awaitable ends.
  /// @return      number of bytes written to the front of `into`.
  /// @error  as `receive_line`
  [[nodiscard]] receive_some_operation receive(std::span<std::byte> into, deadline until = never) noexcept;

  /// Sends all of `bytes`.
  ///
  /// @param bytes  alive and unchanged until the awaitable ends.
  /// @return       number of bytes that the system took: all, unless there is an error.
  /// @error  errc::timed_out, errc::closed (by this side), others as send(2) reports them, e.g. EPIPE.
  [[nodiscard]] send_operation send(std::string_view bytes, deadline until = never) noexcept;

  /// Ends this side of the conversation: the peer reads an end of stream, and receiving goes on. @see shutdown(2)
  void shutdown_send() noexcept;

  /// Closes the connection; what waits on it ends with `errc::closed`.
  void close() noexcept { stream_->close(); }

  [[nodiscard]] result<address> local() const noexcept { return local_address(stream_->fd()); }
  [[nodiscard]] result<address> peer() const noexcept { return peer_address(stream_->fd()); }
  [[nodiscard]] int fd() const noexcept { return stream_->fd(); }
  [[nodiscard]] const stream::statistics& stats() const noexcept { return stream_->stats(); }

 private:
  loop* home_;
  ref<stream> stream_;
};

/// Receives into a string of the caller, whose memory it uses.
class [[nodiscard]] tcp_stream::text_awaitable final : public receive_operation {
 public:
  text_awaitable(loop* home, ref<stream> from, receive_pattern pattern, std::string& into, deadline until) noexcept
      : receive_operation{home, std::move(from), pattern, (into.clear(), std::move(into))}, into_{into} {
    set_deadline(until);
  }
  /// @return  number of bytes in the string.
  transfer await_resume() noexcept;

 private:
  std::string& into_;
};

/// A listening TCP socket, owned. Destroying it closes it and ends whatever waits on it.
class tcp_listener {
 public:
  class accept_awaitable;

  tcp_listener(tcp_listener&&) = default;
  tcp_listener& operator=(tcp_listener&& other) noexcept {
    std::swap(home_, other.home_);
    std::swap(listener_, other.listener_);
    return *this;
  }
  ~tcp_listener() {
    if (listener_) listener_->close();
  }

  /// Listens at the first address of `host` that can be had, with SO_REUSEADDR.
  ///
  /// @param host  name or address; empty or "*" for every IPv4 address.
  /// @param port  0 lets the system choose; `local()` tells.
  /// @error as bind(2), listen(2) and getaddrinfo(3) report them, e.g. EADDRINUSE
  [[nodiscard]] static result<tcp_listener> bind(loop& home, const std::string& host, std::uint16_t port,
                                                 int backlog = 1024);

  /// Waits for a connection.
  /// @error errc::closed  the listener was closed. Lack of descriptors is no error: the listener rests.
  [[nodiscard]] accept_awaitable accept() noexcept;

  /// Closes it; whoever waits in `accept` gets `errc::closed`.
  void close() noexcept { listener_->close(); }
  [[nodiscard]] result<address> local() const noexcept { return local_address(listener_->fd()); }

 private:
  tcp_listener(loop& home, unique_fd fd) : home_{&home}, listener_{new listener{std::move(fd)}} {}

  loop* home_;
  ref<listener> listener_;
};

class [[nodiscard]] tcp_listener::accept_awaitable final {
 public:
  accept_awaitable(loop& home, ref<listener> at) noexcept : home_{home}, accept_{&home, std::move(at)} {}

  bool await_ready() noexcept { return accept_.await_ready(); }
  void await_suspend(waiter who) noexcept { accept_.await_suspend(who); }
  result<tcp_stream> await_resume();

 private:
  loop& home_;
  accept_operation accept_;
};

/// Connects to the first address of `host` that accepts.
///
/// @param host  name or address; a name is looked up before anything else can run.
/// @error errc::timed_out; others as connect(2) and getaddrinfo(3) report them
[[nodiscard]] task<result<tcp_stream>> connect(loop& home, std::string host, std::uint16_t port,
                                               deadline until = never);

/// Accepts connections until the listener is closed, and runs `handler` for each in a task of its own.
///
/// Tasks still running when it ends, or is destroyed, are cancelled. A task's exception goes to the loop's error
/// handler.
[[nodiscard]] task<> serve(loop& home, tcp_listener& at, std::function<task<>(tcp_stream)> handler);

}  // namespace copas
