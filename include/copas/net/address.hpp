#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "copas/core/result.hpp"

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

  [[nodiscard]] copas::family family() const noexcept;
  /// The IP address as text, with the zone of a link-local one.
  [[nodiscard]] std::string host() const;
  [[nodiscard]] std::uint16_t port() const noexcept;

  [[nodiscard]] const sockaddr* data() const noexcept;
  [[nodiscard]] std::size_t size() const noexcept { return length_; }

 private:
  alignas(8) std::byte storage_[capacity]{};
  std::uint8_t length_ = 0;
};

/// What an address is wanted for.
enum class address_use : std::uint8_t {
  connecting,  ///< an empty host is this machine
  listening,   ///< an empty host is every address of this machine
};

/// The addresses of a host, which may be a name or the text of an address.
///
/// This blocks while a name is looked up.
/// @param service  a port number, or the name of a service.
/// @error as getaddrinfo(3) reports them, in `resolver_category`; no result is never an empty vector
[[nodiscard]] result<std::vector<address>> resolve(const std::string& host, const std::string& service, family wanted,
                                                   address_use use);

/// Errors of getaddrinfo(3); the values are the EAI_ numbers.
[[nodiscard]] const std::error_category& resolver_category() noexcept;

}  // namespace copas
