#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <system_error>

#include "copas/core/loop.hpp"
#include "copas/core/result.hpp"
#include "copas/core/task.hpp"
#include "copas/io/datagram_handle.hpp"
#include "copas/net/address.hpp"

namespace copas {

/// Makes a UDP socket: non-blocking, closed on exec; of IPv6 only if it is of that family.
///
/// @param helper  whose `on_descriptor_shortage` may free descriptors if there are none; null for nobody's.
/// @error  as socket(2) reports them, e.g. EMFILE
[[nodiscard]] result<unique_fd> open_udp(family which, loop* helper = nullptr) noexcept;
/// Fixes where datagrams go to and come from. @see connect(2)
[[nodiscard]] std::error_code set_peer(int fd, const address& peer) noexcept;
/// Undoes `set_peer`.
[[nodiscard]] std::error_code clear_peer(int fd) noexcept;

/// With whom a UDP socket shares the port it is bound to.
struct sharing_options {
  bool reuse_address = false;  ///< all that bind to it so hear what comes for a multicast group
  bool reuse_port = false;  ///< each datagram goes to one of those that bind to it so
};

/// A UDP socket, owned: see `datagram_handle`.
///
/// With a peer it sends and receives by `send` and `receive`; without one by `send_to` and `receive_from`.
class udp_socket : public datagram_handle<address> {
 public:
  using datagram_handle::datagram_handle;

  /// Makes a socket without an address; the system gives it one when it sends.
  /// @error as socket(2) reports them
  [[nodiscard]] static result<udp_socket> open(loop& home, family which = family::inet4);

  /// Makes one that receives at the first address of `host` that can be had.
  ///
  /// @param host  an address, or a name for which nobody has to be asked (`resolver::known`); empty or "*" for every IPv4
  ///              address.
  /// @param port  0 lets the system choose; `local()` tells.
  /// @error as bind(2) and getaddrinfo(3) report them, e.g. EADDRINUSE; EAI_AGAIN for a name that would have to be asked
  ///        for: `resolver::look_up` first, then bind to an address
  [[nodiscard]] static result<udp_socket> bind(loop& home, const std::string& host, std::uint16_t port,
                                               sharing_options how = {});
  /// Makes one that receives at an address.
  [[nodiscard]] static result<udp_socket> bind(loop& home, const address& at, sharing_options how = {});

  /// Makes one whose peer is at the first address of `host` that there is a way to.
  ///
  /// @param host   name or address; a name is looked up by `resolver::of(home)`.
  /// @param until  when to give up looking up.
  /// @error errc::timed_out; others as connect(2) and `resolver::look_up` report them; that nobody is there is known only
  ///        later
  [[nodiscard]] static task<result<udp_socket>> connect(loop& home, std::string host, std::uint16_t port,
                                                        deadline until = never);
  /// Makes one whose peer is at an address.
  [[nodiscard]] static result<udp_socket> connect(loop& home, const address& to);

  /// Sends one datagram to `to`. Otherwise as `send`.
  ///
  /// @param bytes, to  alive and unchanged until the awaitable ends.
  [[nodiscard]] send_datagram_operation send_to(std::span<const std::byte> bytes, const address& to,
                                                deadline until = never) noexcept {
    return {home(), shared(), bytes, to.bytes(), until};
  }
  [[nodiscard]] send_datagram_operation send_to(std::string_view bytes, const address& to,
                                                deadline until = never) noexcept {
    return send_to(std::as_bytes(std::span{bytes}), to, until);
  }

  /// Begins to receive what is sent to a multicast group, at the port it is bound to. Closing the socket leaves all groups.
  ///
  /// @param group            its IP address; the port does not matter.
  /// @param interface_index  of the network, as if_nametoindex(3) gives it; 0 lets the system choose.
  /// @error  as setsockopt(2) reports them, e.g. EINVAL for an address that is no group's, EADDRINUSE when it has joined,
  ///         ENODEV  @see RFC 3678, 5.1
  [[nodiscard]] result<void> join_group(const address& group, unsigned interface_index = 0) noexcept;
  /// Undoes `join_group`.
  /// @error  EADDRNOTAVAIL when it has not joined
  [[nodiscard]] result<void> leave_group(const address& group, unsigned interface_index = 0) noexcept;

  [[nodiscard]] result<address> local() const noexcept { return local_address(fd()); }
  [[nodiscard]] result<address> peer() const noexcept { return peer_address(fd()); }
};

}  // namespace copas
