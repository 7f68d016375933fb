#pragma once

#include <cstddef>
#include <span>
#include <system_error>

#include "copas/core/loop.hpp"
#include "copas/core/result.hpp"
#include "copas/core/socket_address.hpp"
#include "copas/io/unique_fd.hpp"
#include "copas/net/address.hpp"

namespace copas::socket_calls {

/// The system calls that set a socket up, for addresses of all families. Those that could wait do not.
///
/// @param domain  such as AF_INET.  @param type  such as SOCK_STREAM.
/// @param helper  asked to free descriptors if there are none, before it fails; may be null.
/// @return  a descriptor that is non-blocking and closed on exec.
[[nodiscard]] result<unique_fd> open(int domain, int type, loop* helper) noexcept;
/// As `open`; of IPv6 only, if it is of that family, and otherwise of IPv4.
[[nodiscard]] result<unique_fd> open_inet(family which, int type, loop* helper) noexcept;
[[nodiscard]] std::error_code bind(int fd, std::span<const std::byte> local) noexcept;
[[nodiscard]] std::error_code connect(int fd, std::span<const std::byte> peer) noexcept;
[[nodiscard]] result<socket_address> local_address(int fd) noexcept;
[[nodiscard]] result<socket_address> peer_address(int fd) noexcept;

}  // namespace copas::socket_calls
