#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <system_error>

#include "copas/core/result.hpp"
#include "copas/core/socket_address.hpp"

struct sockaddr;

namespace copas {

/// The kinds of addresses a socket can have.
enum class family : std::uint8_t { unspecified, inet4, inet6 };

/// Where a socket is, or should connect to: an IP address and a port.
class address {
 public:
  static constexpr std::size_t capacity = 28;  // sockaddr_in6

  address() = default;
  /// @param length  of what `from` points to; at most `capacity`.
  address(const sockaddr* from, std::size_t length) noexcept;
  /// None, if `from` is no IP address.
  explicit address(const socket_address& from) noexcept;

  /// The address that a text stands for, which is no name.
  ///
  /// @param host  IPv4 or IPv6, the latter perhaps with a zone: "fe80::1%eth0".
  /// @error EAI_NONAME, in `resolver_category`, for any other text
  [[nodiscard]] static result<address> parse(const std::string& host, std::uint16_t port);

  [[nodiscard]] copas::family family() const noexcept;
  /// The IP address as text, with the zone of a link-local one.
  [[nodiscard]] std::string host() const;
  [[nodiscard]] std::uint16_t port() const noexcept;
  void set_port(std::uint16_t port) noexcept;

  [[nodiscard]] const sockaddr* data() const noexcept;
  [[nodiscard]] std::size_t size() const noexcept { return length_; }
  [[nodiscard]] std::span<const std::byte> bytes() const noexcept { return std::span{storage_}.first(length_); }

  /// The same host, zone and port?
  friend bool operator==(const address& one, const address& other) noexcept;

 private:
  alignas(8) std::byte storage_[capacity]{};
  std::uint8_t length_ = 0;
};

/// What an address is wanted for.
enum class address_use : std::uint8_t {
  connecting,  ///< an empty host is this machine
  listening,   ///< an empty host is every address of this machine; "*" is every IPv4 one, unless IPv6 is wanted
};

/// What is sent to an address; some services have a name with one of them only.
enum class transport : std::uint8_t { stream, datagrams };

/// @see bind(2)
[[nodiscard]] std::error_code bind_to(int fd, const address& local) noexcept;
/// @see getsockname(2)
[[nodiscard]] result<address> local_address(int fd) noexcept;
/// @see getpeername(2)
[[nodiscard]] result<address> peer_address(int fd) noexcept;

/// Errors of getaddrinfo(3); the values are the EAI_ numbers.
[[nodiscard]] const std::error_category& resolver_category() noexcept;

}  // namespace copas
