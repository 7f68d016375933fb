#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>
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
///
/// @param helper  whose `on_descriptor_shortage` may free descriptors if there are none; null for nobody's.
/// @error  as socket(2) reports them, e.g. EMFILE
[[nodiscard]] result<unique_fd> open_tcp(family which, loop* helper = nullptr) noexcept;

/// Tries to connect a socket to addresses, one after the other, without waiting.
class connect_sequence {
 public:
  /// Whether the socket's descriptor is one that it was given, or is made, and remade, for each address.
  enum class descriptor : std::uint8_t { given, own };

  /// @param candidates  tried in this order; not empty.
  /// @param helper      as of `open_tcp`.
  connect_sequence(socket& on, std::vector<address> candidates, descriptor whose, loop* helper) noexcept
      : on_{on}, candidates_{std::move(candidates)}, helper_{helper}, whose_{whose} {}

  /// Goes on; true if it is over, and false if the descriptor is to be waited for first.
  [[nodiscard]] bool step() noexcept;
  /// The error of the last address, if none accepted; `EISCONN` if the stream was connected before.
  [[nodiscard]] std::error_code error() const noexcept { return error_; }

 private:
  enum class progress : std::uint8_t { connected, pending, failed };
  [[nodiscard]] std::error_code begin_next() noexcept;
  [[nodiscard]] progress try_current() noexcept;

  socket& on_;
  std::vector<address> candidates_;
  loop* helper_;
  std::size_t current_ = 0;
  std::error_code error_;
  descriptor whose_;
  bool begun_ = false;  // with the current address
};

/// Connects a stream to the first address that accepts, trying one after the other. See also `connect_to_host`.
///
/// If the stream has a descriptor, it is used; otherwise one is made, and remade for each try.
class [[nodiscard]] connect_operation final : public io_operation {
 public:
  /// @param candidates  tried in this order; not empty.
  connect_operation(loop* home, ref<stream> socket, std::vector<address> candidates) noexcept
      : io_operation{home, ref<copas::socket>{socket.get()}, side::write},
        sequence_{on(), std::move(candidates),
                  on().open() ? connect_sequence::descriptor::given : connect_sequence::descriptor::own, home} {}

  [[nodiscard]] bool attempt() noexcept override {
    if (!sequence_.step()) return false;
    error_ = sequence_.error();
    return true;
  }
  void give_up(std::error_code why) noexcept override { error_ = why; }
  /// As `connect_sequence::error`.
  std::error_code await_resume() const noexcept { return error_; }
  [[nodiscard]] std::string_view activity() const noexcept override { return "connecting"; }

 private:
  connect_sequence sequence_;
  std::error_code error_;
};

/// A TCP connection, owned: see `stream_handle`.
class tcp_stream : public stream_handle {
 public:
  using stream_handle::stream_handle;

  [[nodiscard]] result<address> local() const noexcept { return local_address(fd()); }
  [[nodiscard]] result<address> peer() const noexcept { return peer_address(fd()); }
};

/// How a TCP socket listens.
struct listen_options {
  int backlog = 1024;  ///< connections that may wait to be accepted
  bool reuse_port = false;  ///< several listeners, of this or other processes, share the port and its connections
};

/// A listening TCP socket, owned: see `listener_handle`.
class tcp_listener : public listener_handle<tcp_stream> {
 public:
  /// Listens at the first address of `host` that can be had, with SO_REUSEADDR.
  ///
  /// @param host  an address, or a name for which nobody has to be asked (`resolver::known`); empty or "*" for every IPv4
  ///              address.
  /// @param port  0 lets the system choose; `local()` tells.
  /// @error as bind(2), listen(2) and getaddrinfo(3) report them, e.g. EADDRINUSE; EAI_AGAIN for a name that would have to
  ///        be asked for: `resolver::look_up` first, then bind to an address
  [[nodiscard]] static result<tcp_listener> bind(loop& home, const std::string& host, std::uint16_t port,
                                                 listen_options how = {});
  /// Listens at an address, otherwise as above.
  [[nodiscard]] static result<tcp_listener> bind(loop& home, const address& at, listen_options how = {});

  [[nodiscard]] result<address> local() const noexcept { return local_address(fd()); }

 private:
  using listener_handle::listener_handle;
};

/// Connects to the address of `host` that accepts first, as `connect_to_host` does.
///
/// @param host   name or address; a name is looked up by `resolver::of(home)`.
/// @param until  when to give up looking up, or connecting.
/// @error errc::timed_out; others as connect(2) and `resolver::look_up` report them
[[nodiscard]] task<result<tcp_stream>> connect(loop& home, std::string host, std::uint16_t port,
                                               deadline until = never);

}  // namespace copas
