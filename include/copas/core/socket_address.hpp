#pragma once

#include <cstddef>
#include <span>

namespace copas {

/// Where a socket is, as the system has it: a sockaddr(3type) of any family.
struct socket_address {
  static constexpr std::size_t capacity = 112;  // sockaddr_un, the longest, has 110 bytes

  alignas(8) std::byte storage[capacity]{};
  std::size_t size = 0;  ///< 0: no address

  [[nodiscard]] std::span<const std::byte> bytes() const noexcept { return std::span{storage}.first(size); }
};

}  // namespace copas
