#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "copas/core/loop.hpp"
#include "copas/core/result.hpp"
#include "copas/core/task.hpp"
#include "copas/io/listener_handle.hpp"
#include "copas/io/stream_handle.hpp"
#include "copas/net/address.hpp"

namespace copas {

/// Makes a TCP socket: non-blocking, closed on exec; of IPv6 only if it is of that family.
[[nodiscard]] result<unique_fd> open_tcp(family which) noexcept;
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

/// A TCP connection, owned: see `stream_handle`.
class tcp_stream : public stream_handle {
 public:
  using stream_handle::stream_handle;

  [[nodiscard]] result<address> local() const noexcept { return local_address(fd()); }
  [[nodiscard]] result<address> peer() const noexcept { return peer_address(fd()); }
};

/// A listening TCP socket, owned: see `listener_handle`.
class tcp_listener : public listener_handle<tcp_stream> {
 public:
  /// Listens at the first address of `host` that can be had, with SO_REUSEADDR.
  ///
  /// @param host  name or address; empty or "*" for every IPv4 address.
  /// @param port  0 lets the system choose; `local()` tells.
  /// @error as bind(2), listen(2) and getaddrinfo(3) report them, e.g. EADDRINUSE
  [[nodiscard]] static result<tcp_listener> bind(loop& home, const std::string& host, std::uint16_t port,
                                                 int backlog = 1024);

  [[nodiscard]] result<address> local() const noexcept { return local_address(fd()); }

 private:
  using listener_handle::listener_handle;
};

/// Connects to the first address of `host` that accepts.
///
/// @param host  name or address; a name is looked up before anything else can run.
/// @error errc::timed_out; others as connect(2) and getaddrinfo(3) report them
[[nodiscard]] task<result<tcp_stream>> connect(loop& home, std::string host, std::uint16_t port,
                                               deadline until = never);

}  // namespace copas
